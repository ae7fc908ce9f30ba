CREATE POLICY colleague ON hallpass.staff FOR SELECT USING (organization = (SELECT hallpass.caller()) OR EXISTS (
    SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = organization));
