CREATE TABLE hallpass.term_uri (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_uri_value ON hallpass.term_uri (type, param, value);
CREATE STATISTICS hallpass.term_uri_values (mcv) ON type, param, value FROM hallpass.term_uri;
ALTER STATISTICS hallpass.term_uri_values SET STATISTICS 1000;
ALTER TABLE hallpass.term_uri ENABLE ROW LEVEL SECURITY;
