CREATE OR REPLACE FUNCTION hallpass.same_student(p_patient uuid) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN NEXT p_patient;
    IF NOT EXISTS (SELECT 1 FROM hallpass.term_reference t
                   WHERE t.compartment = p_patient AND t.id = p_patient AND t.param = 'link:merged') THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH RECURSIVE same(id, custodian) AS (
            SELECT r.id, r.custodian FROM hallpass.resource r
                WHERE r.compartment = p_patient AND r.id = p_patient AND r.type = 'Patient' AND r.current AND NOT r.deleted
            UNION
            SELECT other.id, other.custodian FROM same s
                CROSS JOIN LATERAL (SELECT t.target FROM hallpass.term_reference t
                    WHERE t.compartment = s.id AND t.id = s.id AND t.param = 'link:merged' ORDER BY t.n LIMIT 16) led
                CROSS JOIN LATERAL (SELECT r.id, r.custodian FROM hallpass.resource r
                    WHERE r.compartment = led.target AND r.id = led.target AND r.type = 'Patient' AND r.current AND NOT r.deleted
                    LIMIT 1) other
                WHERE other.custodian = s.custodian
        )
        SELECT s.id FROM same s WHERE s.id <> p_patient LIMIT 16;
END $$;
COMMENT ON FUNCTION hallpass.same_student IS
    'A Patient, and the others that are the same student by merges of their custodian that the caller sees, 16 at the most.';
