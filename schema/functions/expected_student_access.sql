CREATE OR REPLACE FUNCTION hallpass.expected_student_access(p_compartment uuid)
    RETURNS TABLE (compartment uuid, id uuid, org uuid, consent uuid, type text, updated timestamptz, custodian uuid,
                   precomputed boolean)
    LANGUAGE sql STABLE AS $$
    SELECT * FROM hallpass.expected_access_rows(
        (SELECT array_agg(r.compartment) FROM hallpass.resource r WHERE r.compartment = p_compartment AND r.current),
        (SELECT array_agg(r.id) FROM hallpass.resource r WHERE r.compartment = p_compartment AND r.current))
$$;
COMMENT ON FUNCTION hallpass.expected_student_access IS 'The rows that the access index should hold for a student.';
