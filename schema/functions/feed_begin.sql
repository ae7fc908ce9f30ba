CREATE OR REPLACE FUNCTION hallpass.feed_begin(p_feed text, p_since timestamptz)
    RETURNS TABLE (at timestamptz, horizon timestamptz, told timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('feed ' || hallpass.feed_reader() || ' ' || p_feed, 0));
    RETURN QUERY
        SELECT h.at, h.horizon, (
            SELECT CASE WHEN a.since = p_since THEN a.at ELSE p_since END FROM hallpass.feed_answer a
            WHERE a.reader = hallpass.feed_reader() AND a.feed = p_feed AND a.since <= p_since
            ORDER BY a.since DESC LIMIT 1)
        FROM hallpass.feed_horizon() h;
END $$;
COMMENT ON FUNCTION hallpass.feed_begin IS
    'Begins an answer to who follows: the time, the horizon, and when the answer was given that handed out `p_since`
     (NULL for a moment before the first answer).
     The answers to one reader come one after the other, so that each knows what those before it gave.';
