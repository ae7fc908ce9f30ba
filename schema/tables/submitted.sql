CREATE TABLE hallpass.submitted (
    organization uuid NOT NULL,
    base         text NOT NULL,              -- the system that the id is of
    type         text COLLATE "C" NOT NULL,
    source       text NOT NULL,              -- its id there
    id           uuid NOT NULL,              -- and here
    PRIMARY KEY (organization, base, type, source)
);
COMMENT ON TABLE hallpass.submitted IS
    'Which record an organization''s own system means by an id: what was submitted before is found again, and referred to.';
ALTER TABLE hallpass.submitted ENABLE ROW LEVEL SECURITY;
