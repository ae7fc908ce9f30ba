CREATE TABLE hallpass.mark (
    n     bigint PRIMARY KEY,
    token text NOT NULL,                     -- random: the same number of another history has another one
    at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE hallpass.mark IS
    'What the worker writes here first and then in the witness. A database without the witness''s last mark is older than it.';
ALTER TABLE hallpass.mark ENABLE ROW LEVEL SECURITY;
