CREATE OR REPLACE FUNCTION hallpass.feed_horizon() RETURNS TABLE (at timestamptz, horizon timestamptz)
    LANGUAGE plpgsql AS $$
DECLARE
    v_at       timestamptz := hallpass.instant();  -- before the locks are read: who stamps after that stamps later
    v_earliest timestamptz;
BEGIN
    WITH held AS MATERIALIZED (
        SELECT l.pid, l.locktype, l.relation, l.mode, l.objsubid, l.classid::bigint AS seconds, l.objid::bigint AS micros
        FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.granted AND l.pid <> pg_backend_pid()
    ), stamped AS (
        SELECT h.pid, to_timestamp(946684800 + h.seconds) + h.micros * interval '1 microsecond' AS at
        FROM held h WHERE h.locktype = 'advisory' AND h.objsubid = 2 AND h.seconds > 100000000
    ), writing AS (  -- just before its stamp, or a command of the operator's that writes without one
        SELECT coalesce(a.xact_start, v_at - interval '10 seconds') AS at
        FROM held h LEFT JOIN pg_stat_activity a ON a.pid = h.pid
        WHERE h.locktype = 'relation' AND h.relation = 'hallpass.resource'::regclass AND h.mode = 'RowExclusiveLock'
          AND NOT EXISTS (SELECT 1 FROM stamped s WHERE s.pid = h.pid)
    )
    SELECT min(f.at) INTO v_earliest FROM (SELECT s.at FROM stamped s UNION ALL SELECT w.at FROM writing w) f;
    RETURN QUERY SELECT v_at, least(v_at + interval '1 microsecond', v_earliest);
END $$;
COMMENT ON FUNCTION hallpass.feed_horizon IS
    'The time, and the moment below which every version is committed or never will be: the earliest stamp of a
     transaction that still writes. To be asked in a statement before the one that reads the versions.';
