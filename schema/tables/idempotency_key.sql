CREATE TABLE hallpass.idempotency_key (
    client  text NOT NULL,
    key     bytea NOT NULL,                  -- SHA-256 of what the client sent
    request bytea NOT NULL,                  -- SHA-256 of what was asked: another request by the same key is refused
    written jsonb NOT NULL,                  -- which versions it wrote, and no content of theirs
    expires timestamptz NOT NULL,
    PRIMARY KEY (client, key)
);
CREATE INDEX idempotency_key_expires ON hallpass.idempotency_key (expires);
COMMENT ON TABLE hallpass.idempotency_key IS
    'Requests that a client may send again: what is answered then is read again, under the rule of that moment.';
ALTER TABLE hallpass.idempotency_key ENABLE ROW LEVEL SECURITY;
