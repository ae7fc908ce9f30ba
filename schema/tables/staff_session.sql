CREATE TABLE hallpass.staff_session (
    digest bytea PRIMARY KEY,                -- SHA-256 of the secret in the cookie: the secret itself is not kept
    client text NOT NULL REFERENCES hallpass.staff,
    seen   timestamptz NOT NULL,             -- to the minute: not every page is a write
    until  timestamptz NOT NULL
);
CREATE INDEX staff_session_client ON hallpass.staff_session (client);
COMMENT ON TABLE hallpass.staff_session IS 'Who is signed in to the office. The application''s role reaches them by functions alone.';
ALTER TABLE hallpass.staff_session ENABLE ROW LEVEL SECURITY;
