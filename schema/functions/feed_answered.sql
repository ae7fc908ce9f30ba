CREATE OR REPLACE FUNCTION hallpass.feed_answered(p_feed text, p_since timestamptz, p_at timestamptz, p_gives boolean)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_reader text := hallpass.feed_reader();
    v_first  timestamptz;
BEGIN
    SELECT min(a.since) INTO v_first FROM hallpass.feed_answer a WHERE a.reader = v_reader AND a.feed = p_feed;
    IF v_first IS NULL OR p_gives THEN
        DELETE FROM hallpass.feed_answer a
            WHERE a.reader = v_reader AND a.feed = p_feed AND a.since > v_first AND a.at < p_at - interval '7 days';
        INSERT INTO hallpass.feed_answer VALUES (v_reader, p_feed, p_since, p_at) ON CONFLICT DO NOTHING;
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.feed_answered IS
    'Remembers at what time an answer was given that hands out a moment to go on from: the first, and each that gives
     something. Who comes back later than in a week may be given some of it again.';
