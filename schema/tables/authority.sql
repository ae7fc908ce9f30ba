CREATE TABLE hallpass.authority (
    compartment     uuid NOT NULL,
    id        uuid NOT NULL,                 -- the RelatedPerson with parental or guardian authority
    custodian uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (compartment, id)
);
ALTER TABLE hallpass.authority ENABLE ROW LEVEL SECURITY;
