CREATE TABLE hallpass.student (
    compartment     uuid PRIMARY KEY,
    custodian uuid NOT NULL,
    born_from date NOT NULL,                 -- first and last possible day of birth, 29 February as 1 March
    born_to   date NOT NULL
);
ALTER TABLE hallpass.student ENABLE ROW LEVEL SECURITY;
