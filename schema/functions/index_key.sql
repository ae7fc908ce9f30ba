CREATE OR REPLACE FUNCTION hallpass.index_key(p_compartment uuid, p_custodian uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(p_custodian, uuid_hash_extended(p_compartment, 2)) $$;
COMMENT ON FUNCTION hallpass.index_key IS
    'The lock that orders records and releases of a custodian about a student: shared to store a record, exclusive to
     index all of them.';
