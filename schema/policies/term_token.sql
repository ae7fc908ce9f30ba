-- A term is seen by whom the access index opens its resource to, or the directory, to which whole types belong.
CREATE POLICY see ON hallpass.term_token FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a
            WHERE a.compartment = term_token.compartment AND a.org = (SELECT hallpass.caller()) AND a.id = term_token.id)
    OR (hallpass.in_directory(type) AND (SELECT hallpass.caller()) IS NOT NULL));
