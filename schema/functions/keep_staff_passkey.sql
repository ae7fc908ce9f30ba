CREATE OR REPLACE FUNCTION hallpass.keep_staff_passkey(p_session bytea, p_id bytea, p_key bytea, p_counter bigint, p_most integer)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    INSERT INTO staff_passkey (id, client, public_key, counter, created)
        SELECT p_id, s.client, p_key, p_counter, instant()
        FROM staff_session s JOIN client c ON c.id = s.client AND c.disabled IS NULL
        WHERE s.digest = p_session AND s.until > instant()
          AND (SELECT count(*) FROM staff_passkey k WHERE k.client = s.client) < p_most
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION hallpass.keep_staff_passkey IS
    'Keeps a passkey of who is signed in by a session; false: they are not, it is there already, or they have so many.';
