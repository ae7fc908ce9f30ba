CREATE TABLE hallpass.access (
    compartment     uuid NOT NULL,
    org       uuid NOT NULL,
    id        uuid NOT NULL,
    type      text COLLATE "C" NOT NULL,
    updated   timestamptz NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    consent   uuid,                          -- the release that opens it, by the root alone; NULL: the rule is asked
    version   integer,                       -- the Consent's
    purposes  text[],                        -- one of them must be the caller's; NULL: any will do
    since     timestamptz,
    until     timestamptz,                   -- of the release, its signer's authority, and the 18th birthday, the first
    custodian uuid NOT NULL,
    CHECK ((consent IS NULL) = (version IS NULL) AND (consent IS NULL) = (since IS NULL)
           AND (consent IS NULL) = (until IS NULL) AND (consent IS NOT NULL OR purposes IS NULL)),
    PRIMARY KEY (compartment, org, id)
);
CREATE INDEX access_page ON hallpass.access (org, type, updated DESC, id DESC);
CREATE INDEX access_id ON hallpass.access (org, id);
CREATE INDEX access_resource ON hallpass.access (compartment, id);
CREATE STATISTICS hallpass.access_types (mcv) ON org, type FROM hallpass.access;
ALTER STATISTICS hallpass.access_types SET STATISTICS 1000;
COMMENT ON TABLE hallpass.access IS
    'Candidates: a row for each organization and current resource that custody, party or a release may open.';
ALTER TABLE hallpass.access ENABLE ROW LEVEL SECURITY;
