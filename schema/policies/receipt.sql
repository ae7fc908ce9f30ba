CREATE POLICY own ON hallpass.receipt FOR SELECT USING (recipient = ANY ((SELECT hallpass.ancestors())::uuid[]));
CREATE POLICY held ON hallpass.receipt FOR SELECT USING (custodian = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
