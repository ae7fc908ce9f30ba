CREATE TABLE hallpass.ending (
    n    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    xact text NOT NULL DEFAULT pg_current_xact_id()::text, -- the transaction that ended it
    kind text NOT NULL CHECK (kind IN ('release', 'authority', 'agreement', 'student', 'client', 'endpoint', 'record',
                                         'transfer', 'subscription', 'sync_source', 'organization', 'provider', 'expunged')),
    was  jsonb NOT NULL                      -- the row that ended or was narrowed; of a client or an organization as it is now
);
CREATE INDEX ending_xact ON hallpass.ending (xact);
COMMENT ON TABLE hallpass.ending IS 'What ended or was narrowed, and is not in the witness yet.';
ALTER TABLE hallpass.ending ENABLE ROW LEVEL SECURITY;
