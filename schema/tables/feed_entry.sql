CREATE TABLE hallpass.feed_entry (
    reader      text NOT NULL,               -- hallpass.feed_reader
    feed        text NOT NULL,               -- the types that it follows
    id          uuid NOT NULL,
    version     integer NOT NULL,
    compartment uuid NOT NULL,
    type        text COLLATE "C" NOT NULL,
    given       timestamptz NOT NULL,
    walk        timestamptz NOT NULL,        -- when the first page was given of the answer that has it
    PRIMARY KEY (reader, feed, id, version)
);
COMMENT ON TABLE hallpass.feed_entry IS
    'What a feed gave to whom of others'' records: so what became visible since is known, and what is withdrawn.';
ALTER TABLE hallpass.feed_entry ENABLE ROW LEVEL SECURITY;
