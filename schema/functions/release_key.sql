CREATE OR REPLACE FUNCTION hallpass.release_key(p_compartment uuid, p_custodian uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(p_custodian, uuid_hash_extended(p_compartment, 3)) $$;
COMMENT ON FUNCTION hallpass.release_key IS
    'The lock that orders disclosures of what a custodian holds about a student, which share it until they commit, and
     what may end them. Nobody else''s write takes it.';
