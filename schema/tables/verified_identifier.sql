CREATE TABLE hallpass.verified_identifier (
    system       text COLLATE "C" NOT NULL,
    value        text COLLATE "C" NOT NULL,
    organization uuid NOT NULL,
    PRIMARY KEY (system, value)
);
COMMENT ON TABLE hallpass.verified_identifier IS
    'By which identifiers a release may name an organization: those that the operator verified, each of one organization, so
     that no member makes another''s ambiguous.';
ALTER TABLE hallpass.verified_identifier ENABLE ROW LEVEL SECURITY;
