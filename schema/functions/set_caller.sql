CREATE OR REPLACE FUNCTION hallpass.set_caller(
    p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean
) RETURNS TABLE (standing boolean, at timestamptz, ancestors uuid[], zone text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_ancestors uuid[];
    v_zone  text;
BEGIN
    IF NOT client_is_active(p_client, p_token, p_organization, p_emergency) THEN
        PERFORM set_config('hallpass.organization', '', true), set_config('hallpass.ancestors', '', true);
        RETURN QUERY SELECT false, statement_time(), '{}'::uuid[], ''::text;
        RETURN;
    END IF;
    SELECT counts_as(o.id), o.zone INTO v_ancestors, v_zone FROM organization o WHERE o.id = p_organization;
    PERFORM set_config('hallpass.organization', p_organization::text, true),
            set_config('hallpass.ancestors', v_ancestors::text, true),
            set_config('hallpass.purposes', p_purposes::text, true),
            set_config('hallpass.agreement_required', p_agreement::text, true),
            set_config('hallpass.emergency', p_emergency::text, true),
            set_config('hallpass.client', p_client, true),
            set_config('hallpass.token', p_token, true);
    RETURN QUERY SELECT true, statement_time(), v_ancestors, v_zone;
END $$;
COMMENT ON FUNCTION hallpass.set_caller IS
    'Sets the caller for this transaction, if its client and token still stand; purposes come widened by hierarchy. What
     is part of the caller''s organization is not listed: hallpass.tree is asked.';
