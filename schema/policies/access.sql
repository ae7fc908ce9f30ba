CREATE POLICY own ON hallpass.access FOR SELECT USING (org = (SELECT hallpass.caller()));
