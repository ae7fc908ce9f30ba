CREATE TABLE hallpass.sheet (
    lane    smallint NOT NULL,
    n       bigint NOT NULL,                 -- its place in the lane, from 1
    at      timestamptz NOT NULL,            -- as its entries have it
    entries integer NOT NULL CHECK (entries > 0),
    link    bytea NOT NULL,                  -- of the hash of the link before and these entries
    PRIMARY KEY (lane, n)
);
CREATE INDEX sheet_at ON hallpass.sheet USING brin (at);
COMMENT ON TABLE hallpass.sheet IS
    'What was entered on the ledger by one call. It tells of nobody, and stays when its entries are past retention.';
