CREATE TABLE hallpass.submission_file (
    submission uuid NOT NULL REFERENCES hallpass.submission ON DELETE CASCADE,
    n          integer NOT NULL,             -- from 1, in the order in which they came
    kind       text NOT NULL CHECK (kind IN ('manifest', 'lines')),
    type       text COLLATE "C",             -- of its lines, where that is said
    url        text,                         -- where it is fetched; NULL: it was uploaded
    manifest   text,                         -- the manifest that lists it
    base       text NOT NULL,                -- where the ids in it are from
    headers    text,                         -- to fetch it with, sealed
    body       bytea,                        -- what was uploaded, until it is taken
    digest     text,                         -- of what was fetched first: it has to stay the same
    status     text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'taking', 'done', 'failed')),
    line       integer NOT NULL DEFAULT 0,   -- up to which it is taken
    problem    text,                         -- why it failed as a whole
    PRIMARY KEY (submission, n)
);
COMMENT ON TABLE hallpass.submission_file IS 'A file of a bulk submission, and how far it is taken.';
ALTER TABLE hallpass.submission_file ENABLE ROW LEVEL SECURITY;
