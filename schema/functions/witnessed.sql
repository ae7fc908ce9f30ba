CREATE OR REPLACE FUNCTION hallpass.witnessed(p_xact text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM ending e WHERE e.xact = p_xact)
$$;
COMMENT ON FUNCTION hallpass.witnessed IS 'Whether what a transaction ended is in the witness.';
