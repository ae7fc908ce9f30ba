CREATE OR REPLACE FUNCTION hallpass.try_hold(p_shards uuid[]) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    v_held  boolean[] := '{}';
    v_still boolean := pg_try_advisory_xact_lock_shared(0);
    v_shard uuid;
BEGIN
    FOREACH v_shard IN ARRAY p_shards LOOP
        v_held := v_held || (v_still AND (v_shard IS NULL OR pg_try_advisory_xact_lock_shared(
            hashtextextended(v_shard::text, 0))));
    END LOOP;
    RETURN v_held;
END $$;
COMMENT ON FUNCTION hallpass.try_hold IS
    'Takes the shards'' locks as `hold` does, shared, without waiting: false where a write holds one.';
