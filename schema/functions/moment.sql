CREATE OR REPLACE FUNCTION hallpass.moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;
COMMENT ON FUNCTION hallpass.moment() IS 'The one clock: what is in time is in time at this moment.';
