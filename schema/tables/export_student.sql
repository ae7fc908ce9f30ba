CREATE TABLE hallpass.export_student (
    export      uuid NOT NULL REFERENCES hallpass.export ON DELETE CASCADE,
    n           integer NOT NULL,            -- from 1, in the order of compartments
    compartment uuid NOT NULL,
    PRIMARY KEY (export, n),
    UNIQUE (export, compartment)
);
COMMENT ON TABLE hallpass.export_student IS 'The compartments from which an export is chosen, one batch after the other.';
ALTER TABLE hallpass.export_student ENABLE ROW LEVEL SECURITY;
