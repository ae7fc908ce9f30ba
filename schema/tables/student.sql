CREATE TABLE hallpass.student (
    compartment     uuid PRIMARY KEY,
    custodian uuid NOT NULL,
    born_from date NOT NULL,                 -- first and last possible day of birth
    born_to   date NOT NULL
);
ALTER TABLE hallpass.student ENABLE ROW LEVEL SECURITY;
