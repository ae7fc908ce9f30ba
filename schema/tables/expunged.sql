CREATE TABLE hallpass.expunged (
    compartment uuid NOT NULL,               -- the student
    id          uuid NOT NULL,
    type        text COLLATE "C" NOT NULL,
    custodian   uuid NOT NULL,
    versions    integer NOT NULL,            -- how many there were, the deletion among them
    at          timestamptz NOT NULL,
    authority   text NOT NULL,               -- the law, order or schedule that asks for it, as the operator was told
    by          text NOT NULL,               -- who asked for it at the custodian, and who did it
    PRIMARY KEY (compartment, id)
);
CREATE INDEX expunged_custodian ON hallpass.expunged (custodian, at);
COMMENT ON TABLE hallpass.expunged IS
    'Records whose content was destroyed under law. What the ledger says of them stays: that they were, and who received them.';
ALTER TABLE hallpass.expunged ENABLE ROW LEVEL SECURITY;
