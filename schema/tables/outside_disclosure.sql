CREATE TABLE hallpass.outside_disclosure (
    compartment uuid NOT NULL,               -- the student
    id          uuid NOT NULL,
    at          timestamptz NOT NULL,        -- when it was made, as the custodian says
    entered     timestamptz NOT NULL,
    custodian   uuid NOT NULL,               -- who disclosed, and says so
    client      text NOT NULL,               -- that entered it
    recipient   uuid,                        -- an organization of the network; NULL: somebody else, whom body names
    consent     uuid,                        -- that it was made under; NULL: an exception, which body names
    body        jsonb NOT NULL,              -- the AuditEvent
    PRIMARY KEY (compartment, at, id)
);
CREATE UNIQUE INDEX outside_disclosure_id ON hallpass.outside_disclosure (id);
CREATE INDEX outside_disclosure_custodian ON hallpass.outside_disclosure (custodian, at);
COMMENT ON TABLE hallpass.outside_disclosure IS
    'Disclosures outside the exchange (telephone, paper, subpoena), as their custodian entered them. They are asserted: no
     batch of the ledger seals them.';
ALTER TABLE hallpass.outside_disclosure ENABLE ROW LEVEL SECURITY;
