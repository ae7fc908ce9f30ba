CREATE OR REPLACE FUNCTION hallpass.end_staff_session(p_session bytea, p_token text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    INSERT INTO revoked_token (jti, expires) SELECT p_token, s.until FROM staff_session s WHERE s.digest = p_session
        ON CONFLICT DO NOTHING;
    DELETE FROM staff_session s WHERE s.digest = p_session
$$;
COMMENT ON FUNCTION hallpass.end_staff_session IS
    'Ends a session, and revokes its token: a disclosure that is still under way does not happen.';
