CREATE OR REPLACE FUNCTION hallpass.staff_passkey_key(p_id bytea) RETURNS TABLE (public_key bytea, counter bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT k.public_key, k.counter FROM staff_passkey k WHERE k.id = p_id
$$;
COMMENT ON FUNCTION hallpass.staff_passkey_key IS 'By what a passkey''s signature is verified. It tells of no person.';
