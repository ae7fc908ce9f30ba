CREATE TYPE hallpass.leaving AS (
    caller integer, ask bigint, shard uuid, id uuid, version integer, student uuid
);
