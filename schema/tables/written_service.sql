-- What a district's ODS is told of: a student's part in a service. The owner's alone: the app's role may not read it.
CREATE TABLE hallpass.written_service (
    source       text NOT NULL REFERENCES hallpass.sync_source ON DELETE CASCADE,
    student      text NOT NULL,                   -- its number in the ODS
    intervention text NOT NULL,                   -- the code in the ODS
    changed      timestamptz NOT NULL,            -- when its sessions last differed: the order of writing
    sent         timestamptz,                     -- the `changed` that the ODS has
    place        text,                            -- the id under which the ODS keeps it
    error        text,                            -- why the ODS refused it last
    PRIMARY KEY (source, student, intervention)
);
COMMENT ON TABLE hallpass.written_service IS 'What is written back to an ODS, and how far it is.';
ALTER TABLE hallpass.written_service ENABLE ROW LEVEL SECURITY;
