CREATE TABLE hallpass.submission_line (
    submission uuid NOT NULL,
    n          integer NOT NULL,
    line       integer NOT NULL,             -- of the file, from 1
    result     text NOT NULL CHECK (result IN ('created', 'updated', 'unchanged', 'failed')),
    source     text NOT NULL,                -- type and id in the file, as far as they could be read
    resource   text,                         -- type and id here
    issues     jsonb,                        -- of an OperationOutcome, where it failed
    PRIMARY KEY (submission, n, line),
    FOREIGN KEY (submission, n) REFERENCES hallpass.submission_file ON DELETE CASCADE
);
COMMENT ON TABLE hallpass.submission_line IS
    'What became of each line of a submitted file: written in the transaction that took the line, so that none is taken twice.';
ALTER TABLE hallpass.submission_line ENABLE ROW LEVEL SECURITY;
