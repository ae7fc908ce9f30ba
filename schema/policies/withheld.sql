CREATE POLICY held ON hallpass.withheld FOR SELECT USING (custodian = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
