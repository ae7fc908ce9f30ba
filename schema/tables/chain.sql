CREATE TABLE hallpass.chain (
    lane smallint PRIMARY KEY,
    n    bigint NOT NULL,                    -- of the last sheet
    link bytea NOT NULL
) WITH (fillfactor = 20);                    -- a new end beside the one before, and no index to touch
COMMENT ON TABLE hallpass.chain IS 'Where each lane''s chain of sheets ends, so that one taken off the end is missed.';
