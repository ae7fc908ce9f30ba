CREATE TABLE hallpass.staff_link (
    digest  bytea PRIMARY KEY,               -- SHA-256 of the secret in the link: the secret itself is not kept
    client  text NOT NULL REFERENCES hallpass.staff,
    expires timestamptz NOT NULL
);
COMMENT ON TABLE hallpass.staff_link IS 'Links that sign a person in once. The application''s role reaches them by functions alone.';
ALTER TABLE hallpass.staff_link ENABLE ROW LEVEL SECURITY;
