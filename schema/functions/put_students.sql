CREATE OR REPLACE FUNCTION hallpass.put_students(
    p_compartments uuid[], p_custodians uuid[], p_from date[], p_to date[],
    p_emancipated timestamptz[], p_enrolled timestamptz[], p_new boolean[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        WITH k AS MATERIALIZED (
            SELECT * FROM unnest(p_compartments, p_custodians, p_from, p_to, p_emancipated, p_enrolled, p_new)
                k(compartment, custodian, born_from, born_to, emancipated, enrolled, new)
        ), gone AS (
            DELETE FROM hallpass.student s USING k WHERE s.compartment = k.compartment AND k.born_from IS NULL
            RETURNING s.compartment
        ), made AS (
            INSERT INTO hallpass.student AS s (compartment, custodian, born_from, born_to, emancipated, enrolled)
                SELECT k.compartment, k.custodian, k.born_from, k.born_to, k.emancipated, k.enrolled FROM k WHERE k.born_from IS NOT NULL
            ON CONFLICT (compartment) DO UPDATE SET born_from = EXCLUDED.born_from, born_to = EXCLUDED.born_to,
                    emancipated = EXCLUDED.emancipated, enrolled = EXCLUDED.enrolled
                WHERE (s.born_from, s.born_to, s.emancipated, s.enrolled) IS DISTINCT FROM
                      (EXCLUDED.born_from, EXCLUDED.born_to, EXCLUDED.emancipated, EXCLUDED.enrolled)
            RETURNING s.compartment
        )
        SELECT k.compartment, k.custodian FROM k JOIN (TABLE gone UNION ALL TABLE made) c USING (compartment) WHERE NOT k.new
    LOOP
        PERFORM set_config('synchronous_commit', 'remote_apply', true);  -- no standby serves what this ends
        PERFORM hallpass.refresh_validity(v_changed.compartment, v_changed.custodian);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.put_students IS
    'Keeps what releases need of Patients: the first and last possible day of birth (NULL: not known), and
     from when the student signs as an adult. `p_new`: no release
     can rest on the Patient yet. An invoker''s function.';
