CREATE TABLE hallpass.glass_review (
    compartment uuid NOT NULL,               -- the student
    emergency   uuid NOT NULL,               -- hallpass.emergency
    custodian   uuid NOT NULL,               -- who reviewed
    client      text NOT NULL,
    at          timestamptz NOT NULL,
    note        text NOT NULL,
    PRIMARY KEY (compartment, emergency, custodian)
);
COMMENT ON TABLE hallpass.glass_review IS 'Broken glass that the student''s custodian has reviewed. 34 CFR 99.32(a)(5), 99.36.';
ALTER TABLE hallpass.glass_review ENABLE ROW LEVEL SECURITY;
