CREATE TABLE hallpass.feed_withdrawal (
    reader text NOT NULL,
    feed        text NOT NULL,               -- the types that it follows
    type   text COLLATE "C" NOT NULL,
    id     uuid NOT NULL,
    at     timestamptz NOT NULL,             -- when it was seen that the reader no longer sees it
    PRIMARY KEY (reader, feed, type, id)
);
COMMENT ON TABLE hallpass.feed_withdrawal IS 'What a reader was given by a feed and no longer sees.';
ALTER TABLE hallpass.feed_withdrawal ENABLE ROW LEVEL SECURITY;
