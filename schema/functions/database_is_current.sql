CREATE OR REPLACE FUNCTION hallpass.database_is_current() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    RETURN NOT EXISTS (SELECT 1 FROM witness_check c WHERE c.started IS DISTINCT FROM pg_postmaster_start_time()
                       OR c.place IS DISTINCT FROM pg_relation_filepath('hallpass.witness_check'));
END $$;
COMMENT ON FUNCTION hallpass.database_is_current IS
    'Whether this start of this server is known to be as new as the witness, where one is kept. Another server, a restart
     and a restored table are not, until a worker has compared them.';
