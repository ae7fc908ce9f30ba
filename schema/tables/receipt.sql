CREATE TABLE hallpass.receipt (
    compartment uuid NOT NULL,               -- the student
    consent     uuid NOT NULL,
    recipient   uuid NOT NULL,
    custodian   uuid NOT NULL,               -- of the Consent
    PRIMARY KEY (compartment, consent, recipient)
);
CREATE INDEX receipt_recipient ON hallpass.receipt (recipient);
COMMENT ON TABLE hallpass.receipt IS
    'Who received something under a Consent that names it by a class of recipients alone: from then on it sees the Consent.';
ALTER TABLE hallpass.receipt ENABLE ROW LEVEL SECURITY;
