CREATE OR REPLACE FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval)
    RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_compartments uuid[];
BEGIN
    IF NOT emergency() OR caller() IS NULL THEN
        RAISE EXCEPTION 'not an emergency';
    END IF;
    SELECT array_agg(DISTINCT t.compartment) INTO v_compartments FROM term_token t
        WHERE t.type = 'Patient' AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value;
    IF cardinality(v_compartments) IS DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    PERFORM lock_compartments(v_compartments, true);
    INSERT INTO emergency VALUES (v_compartments[1], gen_random_uuid(), caller(), p_client, p_reason, statement_time(), statement_time() + p_for);
    PERFORM index_student(v_compartments[1], ARRAY[caller()]);
    RETURN v_compartments[1];
END $$;
COMMENT ON FUNCTION hallpass.break_glass IS
    'Opens the one student with this identifier to the caller for a while; NULL where there is not exactly one.';
