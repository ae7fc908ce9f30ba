-- Where rosters are fetched from by themselves, and where services delivered are written to. The owner's alone: the app's role may not even read it.
CREATE TABLE hallpass.sync_source (
    name     text PRIMARY KEY,
    client   text NOT NULL,                       -- who imports: a client of the district's
    kind     text NOT NULL CHECK (kind IN ('oneroster', 'edfi', 'inbox', 'write-back')),
    place    text NOT NULL,                       -- an address, or a directory of this machine
    district text,                                -- where the source has several or does not tell
    mapping  text,                                -- of CSV files in an inbox
    sealed   text NOT NULL,                       -- the client's key and the provider's secret, by a key that is not in the database
    schedule text NOT NULL,                       -- cron, in UTC
    next_run timestamptz NOT NULL,
    began    timestamptz,
    ended    timestamptz,
    status   smallint,                            -- 0 all well, 1 some records were refused, 2 it could not run
    report   jsonb,
    staff    text[] NOT NULL DEFAULT '{}',        -- roles of staff that go into the directory
    mark     text,                                -- of a write-back: where it is in the feed
    lease    timestamptz                          -- of a write-back: until when a run has it to itself
);
COMMENT ON TABLE hallpass.sync_source IS 'Rosters that the worker fetches on a schedule, and systems that it writes to.';
