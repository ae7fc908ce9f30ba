CREATE TABLE hallpass.client_usage (
    client text NOT NULL,
    hour   timestamptz NOT NULL,
    bytes  bigint NOT NULL,                  -- of versions that it stored
    PRIMARY KEY (client, hour)
);
COMMENT ON TABLE hallpass.client_usage IS
    'How much each client stored in each of the last hours, as the processes add it up every few seconds: what a client may
     store in a day is one number for all of them, and outlasts them.';
