CREATE OR REPLACE FUNCTION hallpass.index_released(p_compartment uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_recipients uuid[];
BEGIN
    SELECT array_agg(DISTINCT x) INTO v_recipients FROM release e CROSS JOIN unnest(e.recipients) x
        WHERE e.compartment = p_compartment;
    IF v_recipients IS NOT NULL THEN
        PERFORM index_student(p_compartment, v_recipients);
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.index_released IS
    'Brings the access index up to date after what the releases of a student are judged by has changed.';
