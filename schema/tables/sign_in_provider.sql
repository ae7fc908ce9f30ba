CREATE TABLE hallpass.sign_in_provider (
    name         text PRIMARY KEY,           -- in the address of its sign-in page
    organization uuid NOT NULL REFERENCES hallpass.organization,
    issuer       text NOT NULL,
    client_id    text NOT NULL,
    sealed       text,                       -- the client's secret, by a key that is not in the database; NULL: it has none
    created      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hallpass.sign_in_provider IS 'By whom the staff of a member signs in: OpenID Connect. The application''s role reaches it by a function alone.';
ALTER TABLE hallpass.sign_in_provider ENABLE ROW LEVEL SECURITY;
