CREATE TABLE hallpass.witnessed_chain (
    chain smallint PRIMARY KEY,
    n     bigint NOT NULL                    -- the last batch that is in the witness
) WITH (fillfactor = 20);
COMMENT ON TABLE hallpass.witnessed_chain IS 'How much of each chain of the ledger is in the witness.';
ALTER TABLE hallpass.witnessed_chain ENABLE ROW LEVEL SECURITY;
