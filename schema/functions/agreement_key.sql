CREATE OR REPLACE FUNCTION hallpass.agreement_key(p_discloser uuid, p_recipient uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT uuid_hash_extended(p_recipient, uuid_hash_extended(p_discloser, 4))
$$;
COMMENT ON FUNCTION hallpass.agreement_key IS
    'The lock that orders disclosures from one organization to another and the end of their agreement.';
