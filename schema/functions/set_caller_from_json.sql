CREATE OR REPLACE FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) RETURNS uuid[] LANGUAGE sql VOLATILE AS $$
    SELECT e.descendants FROM hallpass.set_caller(
        p_caller->>'client', p_caller->>'token', (p_caller->>'organization')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(p_caller->'widened')), (p_caller->>'emergency')::boolean, p_agreement) e
    WHERE e.standing
$$;
COMMENT ON FUNCTION hallpass.set_caller_from_json IS 'Enters a caller of `read`; the organizations below its own, NULL: it does not stand.';
