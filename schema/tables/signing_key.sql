CREATE TABLE hallpass.signing_key (
    kid     text PRIMARY KEY,
    pem     text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    retires timestamptz,
    expires timestamptz
);
