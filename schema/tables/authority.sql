CREATE TABLE hallpass.authority (
    shard     uuid NOT NULL,
    id        uuid NOT NULL,                 -- the RelatedPerson with parental or guardian authority
    custodian uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (shard, id)
);
ALTER TABLE hallpass.authority ENABLE ROW LEVEL SECURITY;
