CREATE POLICY member ON hallpass.organization FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
