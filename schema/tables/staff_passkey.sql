CREATE TABLE hallpass.staff_passkey (
    id         bytea PRIMARY KEY CHECK (length(id) <= 1023),  -- as the authenticator gave it
    client     text NOT NULL REFERENCES hallpass.staff,
    public_key bytea NOT NULL,
    counter    bigint NOT NULL,              -- of the authenticator; 0 where it has none
    created    timestamptz NOT NULL,
    used       timestamptz
);
CREATE INDEX staff_passkey_client ON hallpass.staff_passkey (client);
COMMENT ON TABLE hallpass.staff_passkey IS 'Passkeys by which people sign in: public keys alone. The application''s role reaches them by functions alone.';
ALTER TABLE hallpass.staff_passkey ENABLE ROW LEVEL SECURITY;
