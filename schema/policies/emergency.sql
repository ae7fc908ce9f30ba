CREATE POLICY own ON hallpass.emergency FOR SELECT USING (organization = (SELECT hallpass.caller()));
CREATE POLICY held ON hallpass.emergency FOR SELECT USING (EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian));
