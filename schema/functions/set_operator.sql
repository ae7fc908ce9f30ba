CREATE OR REPLACE FUNCTION hallpass.set_operator(p_organization uuid) RETURNS TABLE (at timestamptz, ancestors uuid[])
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_ancestors uuid[] := coalesce(counts_as(p_organization), ARRAY[p_organization]);
BEGIN
    PERFORM set_config('hallpass.ancestors', v_ancestors::text, true),
            set_config('hallpass.operator_for', p_organization::text, true);
    RETURN QUERY SELECT statement_time(), v_ancestors;
END $$;
COMMENT ON FUNCTION hallpass.set_operator IS
    'The network''s operator at the console, as the owner of the tables, on behalf of an organization.';
