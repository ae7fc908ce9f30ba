CREATE TABLE hallpass.term_string (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    exact text COLLATE "C" NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_string_folded ON hallpass.term_string (type, param, folded);
CREATE STATISTICS hallpass.term_string_params (mcv) ON type, param FROM hallpass.term_string;
ALTER STATISTICS hallpass.term_string_params SET STATISTICS 1000;
ALTER TABLE hallpass.term_string ENABLE ROW LEVEL SECURITY;
