CREATE OR REPLACE FUNCTION hallpass.use_staff_link(p_link bytea, p_session bytea, p_seconds integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_client text;
BEGIN
    DELETE FROM staff_link l WHERE l.digest = p_link AND l.expires > instant() RETURNING l.client INTO v_client;
    DELETE FROM staff_link l WHERE l.expires <= instant();
    RETURN CASE WHEN begin_staff_session(v_client, p_session, p_seconds) THEN v_client END;
END $$;
COMMENT ON FUNCTION hallpass.use_staff_link IS
    'Signs in by a link, once: of two who use it at the same time one finds it gone. NULL: it is none, used or too old.';
