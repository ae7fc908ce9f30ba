CREATE OR REPLACE FUNCTION hallpass.lock_disclosure(p_compartments uuid[], p_custodians uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_key bigint;
BEGIN
    FOREACH v_key IN ARRAY hallpass.disclosure_keys(p_compartments, p_custodians) LOOP
        PERFORM pg_advisory_xact_lock_shared(v_key);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.lock_disclosure IS 'Waits for the writes that may end a disclosure, and shares their locks with it.';
