CREATE TABLE hallpass.chain_end (
    chain smallint PRIMARY KEY,
    n    bigint NOT NULL,                    -- of the last batch
    link bytea NOT NULL
) WITH (fillfactor = 20);                    -- a new end beside the one before, and no index to touch
COMMENT ON TABLE hallpass.chain_end IS 'Where each chain''s chain of batches ends, so that one taken off the end is missed.';
