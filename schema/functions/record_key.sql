CREATE OR REPLACE FUNCTION hallpass.record_key(p_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(p_id, 1) $$;
COMMENT ON FUNCTION hallpass.record_key IS 'The lock that orders the versions of one record.';
