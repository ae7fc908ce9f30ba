-- The search index (app/db/terms_tables.py): the terms of the current version of each resource.
CREATE TABLE hallpass.term_token (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    system text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_token_code ON hallpass.term_token (type, param, code, system);
CREATE STATISTICS hallpass.term_token_values (mcv, dependencies) ON type, param, code FROM hallpass.term_token;
ALTER STATISTICS hallpass.term_token_values SET STATISTICS 1000;
ALTER TABLE hallpass.term_token ENABLE ROW LEVEL SECURITY;
