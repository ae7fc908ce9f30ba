CREATE OR REPLACE FUNCTION hallpass.place_key(p_organization uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(p_organization, 5) $$;
COMMENT ON FUNCTION hallpass.place_key IS
    'The lock that orders disclosures by or to an organization, or a part of it, and its move in the tree.';
