CREATE POLICY held ON hallpass.glass_review FOR SELECT USING (custodian = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
CREATE POLICY enter ON hallpass.glass_review FOR INSERT WITH CHECK (custodian = (SELECT hallpass.caller()));
