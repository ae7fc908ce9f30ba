CREATE TABLE hallpass.batch (
    chain    smallint NOT NULL,
    n       bigint NOT NULL,                 -- its place in the chain, from 1
    at      timestamptz NOT NULL,            -- as its entries have it
    entries integer NOT NULL CHECK (entries > 0),
    link    bytea NOT NULL,                  -- of the hash of the link before and these entries
    PRIMARY KEY (chain, n)
);
CREATE INDEX batch_at ON hallpass.batch USING brin (at);
COMMENT ON TABLE hallpass.batch IS
    'What was entered on the ledger by one call. It tells of nobody, and stays when its entries are past retention.';
