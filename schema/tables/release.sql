CREATE TABLE hallpass.release (
    compartment      uuid NOT NULL,                -- the student
    consent    uuid NOT NULL,
    version    integer NOT NULL,
    custodian  uuid NOT NULL,                -- the discloser: a release opens its writer's data only
    signed     timestamptz NOT NULL,
    signer     uuid,                         -- the RelatedPerson; NULL: the student signed
    age        integer NOT NULL,             -- the age from which the student's own signature counts here
    part2      boolean NOT NULL,             -- under 42 CFR Part 2
    opens      timestamptz NOT NULL,
    closes     timestamptz NOT NULL,
    recipients uuid[] NOT NULL,              -- every organization that any provision names
    cosigned   boolean NOT NULL DEFAULT false, -- the student signed too, where a RelatedPerson did
    education  boolean NOT NULL DEFAULT false, -- under the law of education records alone
    redisclosable boolean NOT NULL DEFAULT false, -- no law that it names keeps its recipient from passing on what it got
    by_class   boolean NOT NULL DEFAULT false, -- it names a class of recipients
    -- What the signature rests on, as it was at the writing, where another organization holds it; else its own, as it is.
    born_from        date,
    born_to          date,
    authority_opens  timestamptz,
    authority_closes timestamptz,
    confirmed        timestamptz,            -- by its custodian, after a lapse of what it rests on; it opens then
    CHECK ((born_from IS NULL) = (born_to IS NULL) AND (authority_opens IS NULL) = (authority_closes IS NULL)),
    PRIMARY KEY (compartment, consent)
);
CREATE INDEX release_recipients ON hallpass.release USING gin (recipients);
ALTER TABLE hallpass.release ENABLE ROW LEVEL SECURITY;
