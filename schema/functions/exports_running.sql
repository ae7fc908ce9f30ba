CREATE OR REPLACE FUNCTION hallpass.exports_running() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT count(*)::integer FROM export WHERE status IN ('accepted', 'choosing')
$$;
COMMENT ON FUNCTION hallpass.exports_running IS 'How many exports of all clients are being chosen.';
