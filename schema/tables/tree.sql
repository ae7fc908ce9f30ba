CREATE TABLE hallpass.tree (
    ancestor uuid NOT NULL,                  -- the organization itself, and each that it is part of
    id       uuid NOT NULL,
    PRIMARY KEY (ancestor, id)
);
CREATE INDEX tree_id ON hallpass.tree (id) INCLUDE (ancestor);
COMMENT ON TABLE hallpass.tree IS
    'The tree of organizations, unfolded: custody is asked of it, so that no request loads the list of its parts.';
ALTER TABLE hallpass.tree ENABLE ROW LEVEL SECURITY;
