CREATE OR REPLACE FUNCTION hallpass.begin_staff_session(p_client text, p_session bytea, p_seconds integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    DELETE FROM staff_session s WHERE s.until <= instant();
    INSERT INTO staff_session (digest, client, seen, until)
        SELECT p_session, s.client, instant(), instant() + make_interval(secs => p_seconds)
        FROM staff s JOIN client c ON c.id = s.client WHERE s.client = p_client AND c.disabled IS NULL;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION hallpass.begin_staff_session IS 'Signs a person in, for so many seconds at the most; false: they are shut out.';
