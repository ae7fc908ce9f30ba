-- A term is seen by whom the access index opens its resource to, or the directory, to which whole types belong.
CREATE POLICY see ON hallpass.term_date FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a
            WHERE a.compartment = term_date.compartment AND a.org = (SELECT hallpass.caller()) AND a.id = term_date.id)
    OR (hallpass.in_directory(type) AND (SELECT hallpass.caller()) IS NOT NULL));
