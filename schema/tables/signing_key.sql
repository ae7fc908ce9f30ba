CREATE TABLE hallpass.signing_key (
    kid     text PRIMARY KEY,
    sealed  text NOT NULL,                   -- the private key, by a key that is not in the database
    created timestamptz NOT NULL DEFAULT now(),
    retires timestamptz,
    expires timestamptz
);
