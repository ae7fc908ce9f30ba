CREATE OR REPLACE FUNCTION hallpass.take_challenge(p_challenge bytea, p_expires timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    DELETE FROM staff_challenge c WHERE c.expires <= instant();
    INSERT INTO staff_challenge (challenge, expires) SELECT p_challenge, p_expires WHERE p_expires > instant()
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION hallpass.take_challenge IS 'Takes a challenge of a passkey, once; false: it was answered before, or is too old.';
