CREATE TABLE hallpass.witness_check (
    single  boolean PRIMARY KEY DEFAULT true CHECK (single),
    started timestamptz,                     -- of the server that was compared with the witness; NULL: it is older
    place   text                             -- of this table's file: a copy, and a table that was restored, have another
);
COMMENT ON TABLE hallpass.witness_check IS
    'Which start of which server is known to be as new as the witness. Without a row no witness is kept.';
ALTER TABLE hallpass.witness_check ENABLE ROW LEVEL SECURITY;
