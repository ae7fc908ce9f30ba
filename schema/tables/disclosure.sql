CREATE TABLE hallpass.disclosure (
    compartment           uuid NOT NULL,
    at              timestamptz NOT NULL,
    request         uuid NOT NULL,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    type            text NOT NULL,
    interaction     text NOT NULL,
    student         uuid,
    custodian       uuid NOT NULL,
    recipient       uuid NOT NULL,
    client          text NOT NULL,
    agent           jsonb,                   -- the person or program behind the client, as its assertion said
    purposes        text[] NOT NULL,
    basis           text NOT NULL CHECK (basis IN ('release', 'party', 'directory', 'emergency', 'query', 'transfer')),
    consent         uuid,
    consent_version integer,
    reason          text,
    chain            smallint NOT NULL,       -- with `batch`: where hallpass.batch seals it
    batch           bigint NOT NULL,
    parameters      text[],                  -- of a query: what it asked by, never what for
    students        integer,                 -- of a query: how many of the custodian's students it could read
    PRIMARY KEY (compartment, at, request, id, version),
    CHECK ((basis = 'release') = (consent IS NOT NULL AND consent_version IS NOT NULL)),
    CHECK ((basis = 'query') = (parameters IS NOT NULL AND students IS NOT NULL))
) PARTITION BY RANGE (at);
CREATE TABLE hallpass.disclosure_other PARTITION OF hallpass.disclosure DEFAULT;  -- hallpass.partition_ledger makes the others
CREATE INDEX disclosure_recipient ON hallpass.disclosure (custodian, recipient, at);
CREATE INDEX disclosure_custodian ON hallpass.disclosure (custodian, at);
CREATE INDEX disclosure_at ON hallpass.disclosure USING brin (at);
COMMENT ON TABLE hallpass.disclosure IS
    'The ledger: a row for each resource version that an organization other than its custodian was given, and for each
     query whose criteria read a custodian''s records (under the custodian''s own id, in no student''s compartment).';
ALTER TABLE hallpass.disclosure ENABLE ROW LEVEL SECURITY;
