CREATE TABLE hallpass.assertion (
    client  text NOT NULL,
    jti     text NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (client, jti)
);
CREATE INDEX assertion_expires ON hallpass.assertion (expires);
