CREATE TABLE hallpass.resource (
    compartment           uuid NOT NULL,           -- the student's id; the resource's own id outside a compartment
    id              uuid NOT NULL,
    version         integer NOT NULL,
    type            text COLLATE "C" NOT NULL,
    custodian       uuid NOT NULL,
    student         uuid,                    -- NULL outside a compartment
    directory       boolean NOT NULL,
    current         boolean NOT NULL,
    deleted         boolean NOT NULL,
    updated         timestamptz NOT NULL,
    method          text NOT NULL,           -- POST, PUT, PATCH, DELETE: history says how a version came about
    body            bytea NOT NULL,          -- FHIR JSON as served to the custodian; empty for a deletion
    label_at        integer NOT NULL,        -- where in body meta.security takes another label; below 0: it has NORDSCLCD
    digest          bytea NOT NULL,          -- of the canonical content, to tell a change from none
    -- the facts that consent is judged by, of this version
    profiles        text[] NOT NULL,
    codes           text[] NOT NULL,         -- system|code
    confidentiality smallint NOT NULL,       -- U 0, L 1, M 2, N 3 (also unlabelled), R 4, V 5, not understood 6
    labels          text[] NOT NULL,         -- sensitivity and policy labels that a release must name
    parties         uuid[] NOT NULL,
    refs            uuid[] NOT NULL,         -- what the custodian's own elements refer to
    authors         uuid[] NOT NULL,
    clinical        tstzrange,               -- when the data was about; empty: about no time; NULL: not said
    PRIMARY KEY (compartment, id, version)
);
CREATE UNIQUE INDEX resource_current ON hallpass.resource (compartment, id) WHERE current;
CREATE INDEX resource_by_id ON hallpass.resource (id, version);
CREATE INDEX resource_directory ON hallpass.resource (type, updated DESC, id DESC)
    WHERE current AND NOT deleted AND directory;
CREATE INDEX resource_custody ON hallpass.resource (custodian, type, updated DESC, id DESC, version DESC);
CREATE INDEX resource_held ON hallpass.resource (custodian, type, updated DESC, id DESC) INCLUDE (compartment)
    WHERE current AND NOT deleted AND NOT directory;
CREATE INDEX resource_directory_history ON hallpass.resource (type, updated DESC, id DESC, version DESC)
    WHERE directory;
CREATE INDEX resource_parties ON hallpass.resource USING gin (parties) WHERE parties <> '{}';
ALTER TABLE hallpass.resource ENABLE ROW LEVEL SECURITY;
