CREATE OR REPLACE FUNCTION hallpass.fail_submission(p_submission uuid, p_problem text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    UPDATE submission_file SET status = 'failed', problem = p_problem, body = NULL, headers = NULL
    WHERE submission = p_submission AND status IN ('waiting', 'taking')
$$;
COMMENT ON FUNCTION hallpass.fail_submission IS
    'Ends what waits of a submission that cannot be taken, also of a client whose token stands no more.';
