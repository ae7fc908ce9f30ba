CREATE OR REPLACE FUNCTION hallpass.feed_withdraw(p_feed text, p_at timestamptz, p_told timestamptz)
    RETURNS TABLE (type text, id uuid, at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    v_reader text := hallpass.feed_reader();
BEGIN
    WITH gone AS MATERIALIZED (
        SELECT DISTINCT e.type, e.id FROM hallpass.feed_entry e
        WHERE e.reader = v_reader AND e.feed = p_feed AND NOT EXISTS (
            SELECT 1 FROM hallpass.resource r WHERE r.compartment = e.compartment AND r.id = e.id AND r.current)
    ), forgotten AS (
        DELETE FROM hallpass.feed_entry e USING gone g WHERE e.reader = v_reader AND e.feed = p_feed AND e.id = g.id
    )
    INSERT INTO hallpass.feed_withdrawal SELECT v_reader, p_feed, g.type, g.id, p_at FROM gone g
    ON CONFLICT ON CONSTRAINT feed_withdrawal_pkey DO UPDATE SET at = p_at;
    RETURN QUERY SELECT w.type, w.id, w.at FROM hallpass.feed_withdrawal w
        WHERE w.reader = v_reader AND w.feed = p_feed AND w.at > p_told
          AND NOT EXISTS (SELECT 1 FROM hallpass.feed_entry e WHERE e.reader = v_reader AND e.feed = p_feed AND e.id = w.id)
          AND NOT EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.id = w.id AND r.current)
        ORDER BY w.at DESC, w.id;
END $$;
COMMENT ON FUNCTION hallpass.feed_withdraw IS
    'Which resources that a reader was given it no longer sees. Answers those of which it was not told by `p_told`. An
     invoker''s function: the wall says what is seen.';
