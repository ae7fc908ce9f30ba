CREATE OR REPLACE FUNCTION hallpass.client_is_active(p_client text, p_token text, p_organization uuid, p_emergency boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NOT database_is_current() THEN
        RAISE EXCEPTION 'the database is not known to be as new as its witness' USING ERRCODE = '58W01';
    END IF;
    RETURN EXISTS (SELECT 1 FROM client c WHERE c.id = p_client AND c.organization = p_organization
                   AND c.disabled IS NULL AND (NOT p_emergency OR c.emergency))
       AND NOT EXISTS (SELECT 1 FROM revoked_token t WHERE t.jti = p_token);
END $$;
