CREATE OR REPLACE FUNCTION hallpass.client_key(p_client text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(p_client, 6) $$;
COMMENT ON FUNCTION hallpass.client_key IS 'The lock that a client''s disclosures share from their last check to their commit.';
