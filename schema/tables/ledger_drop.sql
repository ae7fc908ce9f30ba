CREATE TABLE hallpass.ledger_drop (
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    partition text NOT NULL PRIMARY KEY,
    since     timestamptz NOT NULL,
    until     timestamptz NOT NULL,
    entries   bigint NOT NULL,
    students  bigint NOT NULL
);
COMMENT ON TABLE hallpass.ledger_drop IS 'What was dropped from the ledger because it was past retention.';
