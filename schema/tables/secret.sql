CREATE TABLE hallpass.secret (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
COMMENT ON TABLE hallpass.secret IS 'Keys that every process shares: the one that seals page cursors.';
