CREATE OR REPLACE FUNCTION hallpass.statement_time() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;
COMMENT ON FUNCTION hallpass.statement_time() IS 'The one clock: what is in time is in time at this moment.';
