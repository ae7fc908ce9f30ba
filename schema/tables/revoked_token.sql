CREATE TABLE hallpass.revoked_token (
    jti     text PRIMARY KEY,
    expires timestamptz NOT NULL
);
