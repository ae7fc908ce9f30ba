CREATE TABLE hallpass.submission (
    id           uuid PRIMARY KEY,
    client       text NOT NULL,              -- who submits, and alone may read what became of it
    organization uuid NOT NULL,              -- the client's: what is taken is in its custody
    submitter    text NOT NULL,              -- system|value, as the client says
    name         text NOT NULL,              -- the client's submissionId
    base         text NOT NULL,              -- where the ids in uploaded files are from
    status       text NOT NULL CHECK (status IN ('in-progress', 'completed', 'stopped')),
    created      timestamptz NOT NULL,
    touched      timestamptz NOT NULL,
    UNIQUE (client, submitter, name)
);
CREATE INDEX submission_touched ON hallpass.submission (touched);
COMMENT ON TABLE hallpass.submission IS 'A bulk submission: what a client sends in by files.';
ALTER TABLE hallpass.submission ENABLE ROW LEVEL SECURITY;
