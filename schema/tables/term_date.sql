CREATE TABLE hallpass.term_date (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    lower timestamptz NOT NULL,
    upper timestamptz NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_date_lower ON hallpass.term_date (type, param, lower);
CREATE INDEX term_date_upper ON hallpass.term_date (type, param, upper);
CREATE STATISTICS hallpass.term_date_params (mcv) ON type, param FROM hallpass.term_date;
ALTER STATISTICS hallpass.term_date_params SET STATISTICS 1000;
ALTER TABLE hallpass.term_date ENABLE ROW LEVEL SECURITY;
