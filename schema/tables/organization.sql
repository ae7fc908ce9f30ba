CREATE TABLE hallpass.organization (
    id     uuid PRIMARY KEY,
    ancestors  uuid[] NOT NULL,                  -- itself and each organization it is part of
    zone   text NOT NULL,
    honor boolean NOT NULL,                 -- a parent's release is honored past the 18th birthday
    state  text,                             -- whose law says which records a minor controls; NULL: not known
    classes uuid[] NOT NULL DEFAULT '{}'     -- of recipients, of which the operator says that it is one
);
CREATE INDEX organization_ancestors ON hallpass.organization USING gin (ancestors);
ALTER TABLE hallpass.organization ENABLE ROW LEVEL SECURITY;
