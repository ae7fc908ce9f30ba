CREATE TABLE hallpass.app_login (
    role     text PRIMARY KEY,
    password text NOT NULL,
    created  timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired  timestamptz                     -- works on, for servers that run, until the next rotation
);
COMMENT ON TABLE hallpass.app_login IS 'How the application logs in. The owner of the tables alone reads it.';
