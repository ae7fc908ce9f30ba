CREATE OR REPLACE FUNCTION hallpass.await_disclosures(p_client text, p_token text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hallpass.client_key(p_client)) WHERE p_client IS NOT NULL;
    SELECT pg_advisory_xact_lock(hallpass.token_key(p_token)) WHERE p_token IS NOT NULL;
$$;
COMMENT ON FUNCTION hallpass.await_disclosures IS
    'Waits until no disclosure of a client, or under a token, is between its last check and its commit. It is asked once
     the client is disabled, or the token revoked, and that has committed: who comes later sees it.';
