CREATE TABLE hallpass.transfer (
    id         uuid PRIMARY KEY,
    compartment uuid NOT NULL,               -- the student
    custodian  uuid NOT NULL,                -- the district that the student leaves, and proposes it
    recipient  uuid NOT NULL,                -- the district to which the student changes, and accepts it
    client     text NOT NULL,                -- that proposed it, in whose name the releases end
    scopes     text[] NOT NULL,
    purposes   text[] NOT NULL,
    notice     text NOT NULL,                -- how the parent knows of it: 34 CFR 99.34(a)(1)
    proposed   timestamptz NOT NULL,
    closes     timestamptz NOT NULL,         -- until when it can be accepted
    waiting    jsonb NOT NULL DEFAULT '[]',  -- the releases that ended by it and want a new signature, as the recipient is told
    accepted   timestamptz
);
CREATE INDEX transfer_custodian ON hallpass.transfer (custodian, proposed);
CREATE INDEX transfer_recipient ON hallpass.transfer (recipient, proposed);
COMMENT ON TABLE hallpass.transfer IS 'Students who change district, by 34 CFR 99.31(a)(2) and 99.34: proposed, and accepted or not.';
