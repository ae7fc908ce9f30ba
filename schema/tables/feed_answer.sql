CREATE TABLE hallpass.feed_answer (
    reader text NOT NULL,
    feed        text NOT NULL,               -- the types that it follows
    since  timestamptz NOT NULL,             -- what the answer handed out to go on from
    at     timestamptz NOT NULL,             -- when it was given: later than `since` while writes were in flight
    PRIMARY KEY (reader, feed, since)
);
COMMENT ON TABLE hallpass.feed_answer IS 'When the answers of a feed were given.';
ALTER TABLE hallpass.feed_answer ENABLE ROW LEVEL SECURITY;
