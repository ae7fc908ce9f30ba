CREATE TABLE hallpass.agreement (
    id        uuid NOT NULL,                 -- the OrganizationAffiliation
    custodian uuid NOT NULL,
    discloser uuid NOT NULL,
    recipient uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (discloser, recipient, id, opens)
);
CREATE INDEX agreement_id ON hallpass.agreement (id);
CREATE INDEX agreement_recipient ON hallpass.agreement (recipient);
COMMENT ON TABLE hallpass.agreement IS
    'When an OrganizationAffiliation let one organization disclose to another: a row for each time without a break, those
     that are over among them, since what an agreement carried does not come back with it.';
ALTER TABLE hallpass.agreement ENABLE ROW LEVEL SECURITY;
