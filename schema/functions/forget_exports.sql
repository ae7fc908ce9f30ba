CREATE OR REPLACE FUNCTION hallpass.forget_exports(p_before timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    DELETE FROM export WHERE ended < p_before OR created < p_before - interval '1 day'
$$;
COMMENT ON FUNCTION hallpass.forget_exports IS 'Forgets the exports of all clients that ended before a moment, or never did.';
