CREATE OR REPLACE FUNCTION hallpass.use_staff_passkey(p_id bytea, p_counter bigint) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    UPDATE staff_passkey k SET counter = p_counter, used = instant()
        WHERE k.id = p_id AND (p_counter > k.counter OR (p_counter = 0 AND k.counter = 0))
        RETURNING k.client
$$;
COMMENT ON FUNCTION hallpass.use_staff_passkey IS
    'Whose passkey it is; NULL where its counter did not move on: then it was copied, or the same answer came twice.';
