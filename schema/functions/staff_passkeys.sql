CREATE OR REPLACE FUNCTION hallpass.staff_passkeys(p_session bytea, p_remove boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_client text;
BEGIN
    SELECT s.client INTO v_client FROM staff_session s WHERE s.digest = p_session AND s.until > instant();
    IF p_remove THEN
        DELETE FROM staff_passkey k WHERE k.client = v_client;
    END IF;
    RETURN (SELECT count(*) FROM staff_passkey k WHERE k.client = v_client);
END $$;
COMMENT ON FUNCTION hallpass.staff_passkeys IS 'How many passkeys who is signed in by a session has, after they were removed if asked.';
