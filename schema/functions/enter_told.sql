CREATE OR REPLACE FUNCTION hallpass.enter_told(p_caller jsonb, p_agreement boolean) RETURNS uuid[] LANGUAGE sql VOLATILE AS $$
    SELECT e.below FROM hallpass.enter(
        p_caller->>'client', p_caller->>'token', (p_caller->>'organization')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(p_caller->'widened')), (p_caller->>'emergency')::boolean, p_agreement) e
    WHERE e.standing
$$;
COMMENT ON FUNCTION hallpass.enter_told IS 'Enters a caller of `read`; the organizations below its own, NULL: it does not stand.';
