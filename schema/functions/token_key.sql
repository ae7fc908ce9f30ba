CREATE OR REPLACE FUNCTION hallpass.token_key(p_token text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(p_token, 7) $$;
COMMENT ON FUNCTION hallpass.token_key IS 'The lock that a token''s disclosures share from their last check to their commit.';
