CREATE OR REPLACE FUNCTION hallpass.sign_in_provider(p_name text)
    RETURNS TABLE (name text, organization uuid, issuer text, client_id text, sealed text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT p.name, p.organization, p.issuer, p.client_id, p.sealed FROM sign_in_provider p WHERE p.name = p_name
$$;
COMMENT ON FUNCTION hallpass.sign_in_provider IS 'By whom people sign in at a page. It tells of no record.';
