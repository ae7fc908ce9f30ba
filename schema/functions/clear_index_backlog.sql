CREATE OR REPLACE FUNCTION hallpass.clear_index_backlog(p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_due  index_backlog;
    v_done integer := 0;
BEGIN
    FOR v_due IN SELECT * FROM index_backlog b ORDER BY b.since LIMIT p_limit LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(index_key(v_due.compartment, v_due.custodian))
                   OR NOT pg_try_advisory_xact_lock(release_key(v_due.compartment, v_due.custodian));
        PERFORM index_student(v_due.compartment, v_due.custodian);
        UPDATE validity k SET exact = true
            WHERE k.compartment = v_due.compartment AND k.custodian = v_due.custodian AND NOT k.exact;
        DELETE FROM index_backlog b WHERE b.compartment = v_due.compartment AND b.custodian = v_due.custodian;
        v_done := v_done + 1;
    END LOOP;
    RETURN v_done;
END $$;
COMMENT ON FUNCTION hallpass.clear_index_backlog IS
    'Takes out of the access index what ended releases left in it, and settles again what narrowed ones unsettled. It
     waits for nobody: what is being written is left to the next time. Returns of how many (student, custodian).';
