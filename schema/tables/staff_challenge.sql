CREATE TABLE hallpass.staff_challenge (
    challenge bytea PRIMARY KEY,
    expires   timestamptz NOT NULL
);
COMMENT ON TABLE hallpass.staff_challenge IS 'Challenges of passkeys that were answered, until nobody would take them any more: none is answered twice.';
ALTER TABLE hallpass.staff_challenge ENABLE ROW LEVEL SECURITY;
