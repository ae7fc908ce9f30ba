CREATE POLICY own ON hallpass.submitted USING (organization = (SELECT hallpass.caller()));
