CREATE TABLE hallpass.applied_schema (
    tables text NOT NULL,                    -- checksum of schema/types and schema/tables
    code   text NOT NULL,                    -- checksum of the rest of schema/, which is applied again when it changes
    at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hallpass.applied_schema IS 'Which schema/ this database has. One row.';
