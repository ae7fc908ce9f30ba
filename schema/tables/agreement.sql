CREATE TABLE hallpass.agreement (
    id        uuid NOT NULL,                 -- the OrganizationAffiliation
    custodian uuid NOT NULL,
    discloser uuid NOT NULL,
    recipient uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (discloser, recipient, id)
);
CREATE INDEX agreement_id ON hallpass.agreement (id);
CREATE INDEX agreement_recipient ON hallpass.agreement (recipient);
ALTER TABLE hallpass.agreement ENABLE ROW LEVEL SECURITY;
