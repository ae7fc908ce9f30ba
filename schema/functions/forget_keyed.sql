CREATE OR REPLACE FUNCTION hallpass.forget_keyed(p_before timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    DELETE FROM idempotency_key WHERE expires < least(p_before, statement_time())
$$;
COMMENT ON FUNCTION hallpass.forget_keyed IS
    'Forgets idempotency keys that ended before a moment, and none that still counts.';
