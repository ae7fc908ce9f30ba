CREATE POLICY held ON hallpass.outside_disclosure FOR SELECT USING (custodian = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
CREATE POLICY enter ON hallpass.outside_disclosure FOR INSERT WITH CHECK (custodian = (SELECT hallpass.caller()));
