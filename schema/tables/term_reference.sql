CREATE TABLE hallpass.term_reference (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    target_type text COLLATE "C" NOT NULL,
    target uuid,
    url text COLLATE "C" NOT NULL,
    system text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_reference_code ON hallpass.term_reference (code, type, param) WHERE code <> '';
CREATE INDEX term_reference_target ON hallpass.term_reference (target, type, param) WHERE target IS NOT NULL;
CREATE INDEX term_reference_url ON hallpass.term_reference (url, type, param) WHERE url <> '';
CREATE STATISTICS hallpass.term_reference_params (mcv) ON type, param FROM hallpass.term_reference;
ALTER STATISTICS hallpass.term_reference_params SET STATISTICS 1000;
ALTER TABLE hallpass.term_reference ENABLE ROW LEVEL SECURITY;
