CREATE TABLE hallpass.index_backlog (
    compartment     uuid NOT NULL,
    custodian uuid NOT NULL,
    since     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (compartment, custodian)
);
COMMENT ON TABLE hallpass.index_backlog IS
    'Where the access index says more than the releases do: one of them ended or was narrowed. It opens nothing by that.';
ALTER TABLE hallpass.index_backlog ENABLE ROW LEVEL SECURITY;
