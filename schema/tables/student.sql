CREATE TABLE hallpass.student (
    compartment     uuid PRIMARY KEY,
    custodian uuid NOT NULL,
    born_from date NOT NULL,                 -- first and last possible day of birth
    born_to   date NOT NULL,
    emancipated timestamptz,                 -- from when the student signs as an adult, as the custodian recorded it
    enrolled    timestamptz                  -- and from when for education records, in postsecondary enrollment
);
ALTER TABLE hallpass.student ENABLE ROW LEVEL SECURITY;
