CREATE TABLE hallpass.client (
    id           text PRIMARY KEY,
    organization uuid NOT NULL REFERENCES hallpass.organization,
    name         text NOT NULL,
    scopes       text[] NOT NULL,
    purposes     text[] NOT NULL,
    jwks         jsonb,
    jwks_uri     text,
    emergency    boolean NOT NULL DEFAULT false,
    created      timestamptz NOT NULL DEFAULT now(),
    disabled     timestamptz,
    CHECK ((jwks IS NULL) <> (jwks_uri IS NULL))
);
