CREATE OR REPLACE FUNCTION hallpass.drop_ledger(p_before timestamptz)
    RETURNS TABLE (partition text, since timestamptz, until timestamptz, entries bigint, students bigint)
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_part  text;
    v_since timestamptz;
    v_until timestamptz;
BEGIN
    FOR v_part, v_since, v_until IN
        SELECT c.relname, b.bounds[1]::timestamptz, b.bounds[2]::timestamptz
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''(.*)''\) TO \(''(.*)''\)') AS b(bounds)
        WHERE i.inhparent = 'hallpass.disclosure'::regclass AND b.bounds IS NOT NULL
        ORDER BY 2
    LOOP
        CONTINUE WHEN v_until > p_before;
        EXECUTE format('INSERT INTO ledger_drop (partition, since, until, entries, students)
                        SELECT %L, %L, %L, count(*), count(DISTINCT student) FROM %I', v_part, v_since, v_until, v_part);
        EXECUTE format('DROP TABLE %I', v_part);
        RETURN QUERY SELECT d.partition, d.since, d.until, d.entries, d.students FROM ledger_drop d
            WHERE d.partition = v_part;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.drop_ledger IS
    'Drops the partitions of the ledger that end before a moment, and records each.';
