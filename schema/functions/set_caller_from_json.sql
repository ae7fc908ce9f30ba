CREATE OR REPLACE FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT e.standing FROM hallpass.set_caller(
        p_caller->>'client', p_caller->>'token', (p_caller->>'organization')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(p_caller->'widened')), (p_caller->>'emergency')::boolean, p_agreement) e
$$;
COMMENT ON FUNCTION hallpass.set_caller_from_json IS 'Enters a caller of `read`; false: it does not stand.';
