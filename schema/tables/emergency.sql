CREATE TABLE hallpass.emergency (
    compartment        uuid NOT NULL,
    id           uuid NOT NULL,
    organization uuid NOT NULL,              -- that broke the glass
    client       text NOT NULL,
    reason       text NOT NULL,
    opens        timestamptz NOT NULL,
    closes       timestamptz NOT NULL,
    custodian    uuid,                       -- of the student, who reviews it
    PRIMARY KEY (compartment, id)
);
CREATE INDEX emergency_custodian ON hallpass.emergency (custodian, opens);
CREATE INDEX emergency_organization ON hallpass.emergency (organization);
ALTER TABLE hallpass.emergency ENABLE ROW LEVEL SECURITY;
