CREATE TABLE hallpass.validity (
    org        uuid NOT NULL,                -- named by the release; nil where the release names nobody
    consent    uuid NOT NULL,
    compartment      uuid NOT NULL,                -- the student
    version    integer NOT NULL,             -- the Consent's
    custodian  uuid NOT NULL,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,         -- of the release and its signer's authority; -infinity: no effect
    majority   timestamptz,                  -- when a parent's signature ends, unless honored; NULL: the student signed
    purposes   text[],                       -- the root's; NULL: any
    root_since timestamptz NOT NULL,         -- the root's own period
    root_until timestamptz NOT NULL,
    types      text[],                       -- that the root names; NULL: any, or it does not permit, or names profiles
    exact      boolean NOT NULL DEFAULT true, -- false: what the index says is precomputed is judged, until it is done again
    PRIMARY KEY (org, consent)
) WITH (fillfactor = 80);                    -- ending is an update in place
CREATE INDEX validity_compartment ON hallpass.validity (compartment);
CREATE INDEX validity_custodian ON hallpass.validity (org, custodian);
COMMENT ON TABLE hallpass.validity IS
    'When a release has effect: a row for each (organization named, release), written with what it rests on. Every row of
     the access index points here, so that ending a release is a row or two, whatever it opened.';
ALTER TABLE hallpass.validity ENABLE ROW LEVEL SECURITY;
