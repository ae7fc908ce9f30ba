CREATE POLICY member ON hallpass.verified_identifier FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
