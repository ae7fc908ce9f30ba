CREATE OR REPLACE FUNCTION hallpass.condition_key(p_condition uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(p_condition, 0) $$;
COMMENT ON FUNCTION hallpass.condition_key IS 'The lock of a condition by which an organization creates or updates.';
