-- Sessions of services delivered that a district's ODS is told of. The owner's alone: the app's role may not read it.
CREATE TABLE hallpass.written_session (
    source       text NOT NULL REFERENCES hallpass.sync_source ON DELETE CASCADE,
    encounter    uuid NOT NULL,
    student      text NOT NULL,                   -- its number in the ODS
    intervention text NOT NULL,                   -- the code in the ODS: a service and its provider
    held         date NOT NULL,
    minutes      integer NOT NULL,
    PRIMARY KEY (source, encounter)
);
COMMENT ON TABLE hallpass.written_session IS 'What each service delivered adds to what is written back to an ODS.';
CREATE INDEX written_session_part ON hallpass.written_session (source, intervention, student);
ALTER TABLE hallpass.written_session ENABLE ROW LEVEL SECURITY;
