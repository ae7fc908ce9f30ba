CREATE OR REPLACE FUNCTION hallpass.stamp() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz;
BEGIN
    IF coalesce(current_setting('hallpass.stamped', true), '') = '' THEN
        LOCK TABLE hallpass.resource IN ROW EXCLUSIVE MODE;  -- from here on hallpass.feed_horizon sees that one writes
        v_at := hallpass.instant();
        PERFORM pg_advisory_xact_lock_shared(
            floor(extract(epoch FROM v_at) - 946684800)::integer, (extract(microseconds FROM v_at)::bigint % 1000000)::integer);
        PERFORM set_config('hallpass.stamped', 'true', true);
    END IF;
    RETURN hallpass.instant();
END $$;
COMMENT ON FUNCTION hallpass.stamp IS
    'The time of a version that this transaction is about to write. Others see, until it ends, that it writes and since
     when: a lock that nobody waits for holds the seconds since 2000 and the microseconds of the first stamp.';
