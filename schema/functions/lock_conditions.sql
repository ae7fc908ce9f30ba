CREATE OR REPLACE FUNCTION hallpass.lock_conditions(p_conditions uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_key bigint;
BEGIN
    FOR v_key IN SELECT DISTINCT hallpass.condition_key(c) FROM unnest(p_conditions) c ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.lock_conditions IS 'Takes the locks of conditions, in one order, before any lock of a record.';
