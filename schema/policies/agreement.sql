CREATE POLICY held ON hallpass.agreement USING (custodian = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
CREATE POLICY member ON hallpass.agreement FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
