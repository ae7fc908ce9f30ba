CREATE TYPE hallpass.leaving AS (
    caller integer, ask bigint, compartment uuid, id uuid, version integer, student uuid
);
