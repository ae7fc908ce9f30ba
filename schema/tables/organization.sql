CREATE TABLE hallpass.organization (
    id     uuid PRIMARY KEY,
    above  uuid[] NOT NULL,                  -- itself and each organization it is part of
    zone   text NOT NULL,
    honour boolean NOT NULL                  -- a parent's release is honoured past the 18th birthday
);
CREATE INDEX organization_above ON hallpass.organization USING gin (above);
ALTER TABLE hallpass.organization ENABLE ROW LEVEL SECURITY;
