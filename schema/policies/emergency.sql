CREATE POLICY own ON hallpass.emergency FOR SELECT USING (organization = (SELECT hallpass.caller()));
