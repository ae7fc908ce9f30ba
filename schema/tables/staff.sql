CREATE TABLE hallpass.staff (
    client       text PRIMARY KEY REFERENCES hallpass.client,   -- by which they ask, and are on the ledger
    organization uuid NOT NULL REFERENCES hallpass.organization,
    name         text NOT NULL,
    address      text NOT NULL,              -- of mail, in lower case
    role         text NOT NULL,              -- app/office/roles.py
    caseload     text[],                     -- whose students they see: Group, Practitioner, PractitionerRole; NULL: all
    issuer       text,                       -- who vouches for them by OpenID Connect, from their first sign-in on
    subject      text,
    created      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization, issuer, subject)
);
CREATE INDEX staff_address ON hallpass.staff (organization, address);
COMMENT ON TABLE hallpass.staff IS 'People of the members who use the office. Each has a client of their own: what shuts out a client shuts them out.';
ALTER TABLE hallpass.staff ENABLE ROW LEVEL SECURITY;
