-- A term is seen by whoever holds its resource, by whom the access index lists it for, and, of the directory, by all.
CREATE POLICY see ON hallpass.term_reference FOR SELECT USING (
    custodian = (SELECT hallpass.caller())
    OR (hallpass.in_directory(type) AND (SELECT hallpass.caller()) IS NOT NULL)
    OR EXISTS (SELECT 1 FROM hallpass.access a WHERE a.compartment = term_reference.compartment AND a.id = term_reference.id)
    OR EXISTS (SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian)
    OR ((SELECT hallpass.emergency()) AND hallpass.glass_broken(compartment)));
