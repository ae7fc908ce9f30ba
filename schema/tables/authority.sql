CREATE TABLE hallpass.authority (
    compartment     uuid NOT NULL,
    id        uuid NOT NULL,                 -- the RelatedPerson with parental or guardian authority
    custodian uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    adult     boolean NOT NULL DEFAULT false, -- the guardian of an adult student, as the custodian marked
    PRIMARY KEY (compartment, id)
);
ALTER TABLE hallpass.authority ENABLE ROW LEVEL SECURITY;
