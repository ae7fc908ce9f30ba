CREATE TABLE hallpass.access (
    compartment uuid NOT NULL,
    id        uuid NOT NULL,
    org       uuid NOT NULL,                 -- named; who is part of it comes with it in hallpass.ancestors
    consent   uuid,                          -- the release; NULL: a party, for as long as the record names it
    type      text COLLATE "C" NOT NULL,
    updated   timestamptz NOT NULL,
    custodian uuid NOT NULL,
    precomputed boolean NOT NULL             -- every provision that covers the record is the root of a permit
);
CREATE UNIQUE INDEX access_row ON hallpass.access (compartment, id, org, consent) NULLS NOT DISTINCT;
CREATE INDEX access_page ON hallpass.access (org, type, updated DESC, id DESC)
    INCLUDE (compartment, consent, custodian, precomputed);
CREATE STATISTICS hallpass.access_types (mcv) ON org, type FROM hallpass.access;
ALTER STATISTICS hallpass.access_types SET STATISTICS 1000;
COMMENT ON TABLE hallpass.access IS
    'Visible candidates: a row for each (organization that a release or a record names, current record, release). None
     for custody, and none for who is part of the named. `precomputed` is the record''s alone, so that nobody''s place in the
     tree bears on it.';
ALTER TABLE hallpass.access ENABLE ROW LEVEL SECURITY;
