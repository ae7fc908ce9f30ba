CREATE TABLE hallpass.term_quantity (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    low numeric NOT NULL,
    high numeric NOT NULL,
    system text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    PRIMARY KEY (compartment, id, param, n)
);
CREATE INDEX term_quantity_low ON hallpass.term_quantity (type, param, low);
CREATE STATISTICS hallpass.term_quantity_params (mcv) ON type, param FROM hallpass.term_quantity;
ALTER STATISTICS hallpass.term_quantity_params SET STATISTICS 1000;
ALTER TABLE hallpass.term_quantity ENABLE ROW LEVEL SECURITY;
