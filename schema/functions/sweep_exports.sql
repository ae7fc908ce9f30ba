CREATE OR REPLACE FUNCTION hallpass.sweep_exports(p_before timestamptz, p_stuck timestamptz, p_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_over  uuid[];
    v_count integer;
    v_gone  integer;
    v_feed  record;
BEGIN
    UPDATE export SET status = 'failed', ended = instant()
        WHERE status IN ('accepted', 'choosing') AND created < p_stuck;
    SELECT array_agg(e.id) INTO v_over FROM export e WHERE e.status = 'canceled' OR e.ended < p_before;
    DELETE FROM export_item WHERE (export, series, n) IN (
        SELECT i.export, i.series, i.n FROM export_item i WHERE i.export = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM export_student WHERE (export, n) IN (
        SELECT s.export, s.n FROM export_student s WHERE s.export = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    v_count := v_count + v_gone;
    FOR v_feed IN  -- of what a client follows by exports, the requests that it made last are kept
        SELECT k.reader, k.feed FROM (
            SELECT a.reader, a.feed, row_number() OVER (PARTITION BY a.reader ORDER BY max(a.at) DESC) AS n FROM (
                SELECT f.reader, f.feed, f.at FROM feed_answer f WHERE f.feed LIKE 'export %'
                UNION ALL SELECT e.reader, e.feed, e.created FROM export e) a
            GROUP BY a.reader, a.feed) k
        WHERE k.n > 10
    LOOP
        DELETE FROM feed_entry WHERE (reader, feed, id, version) IN (
            SELECT f.reader, f.feed, f.id, f.version FROM feed_entry f
            WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed LIMIT p_most);
        GET DIAGNOSTICS v_gone = ROW_COUNT;
        v_count := v_count + v_gone;
        IF v_gone = 0 THEN
            DELETE FROM feed_answer f WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed;
            DELETE FROM feed_withdrawal f WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed;
        END IF;
        EXIT WHEN v_count > 0;
    END LOOP;
    DELETE FROM withheld WHERE (export, id) IN (
        SELECT w.export, w.id FROM withheld w WHERE w.at < p_before - interval '90 days' LIMIT p_most);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    v_count := v_count + v_gone;
    IF v_count = 0 THEN
        DELETE FROM export WHERE id = ANY (v_over);
    END IF;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION hallpass.sweep_exports IS
    'Forgets exports that were canceled or ended before a moment, some rows at a time: answers how many, 0 at the end.
     Those that began before `p_stuck` and never ended have failed. Of what a client follows by exports, the ten requests
     that it made last are kept, and of what was withheld the last 90 days.';
