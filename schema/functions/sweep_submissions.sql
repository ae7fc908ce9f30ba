CREATE OR REPLACE FUNCTION hallpass.sweep_submissions(p_before timestamptz, p_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_over  uuid[];
    v_count integer;
BEGIN
    SELECT array_agg(s.id) INTO v_over FROM submission s WHERE s.touched < p_before;
    DELETE FROM submission_line WHERE (submission, n, line) IN (
        SELECT l.submission, l.n, l.line FROM submission_line l WHERE l.submission = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = 0 THEN
        DELETE FROM submission WHERE id = ANY (v_over);
    END IF;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION hallpass.sweep_submissions IS
    'Forgets submissions that were last touched before a moment, some lines at a time: answers how many, 0 at the end. What
     they brought stays.';
