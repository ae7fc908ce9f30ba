CREATE OR REPLACE FUNCTION hallpass.fail_export(p_export uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    UPDATE export SET status = 'failed', ended = instant() WHERE id = p_export AND status IN ('accepted', 'choosing')
$$;
COMMENT ON FUNCTION hallpass.fail_export IS
    'Ends an export that cannot be chosen, also of a client whose token stands no more: another may begin then.';
