CREATE POLICY member ON hallpass.tree FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
