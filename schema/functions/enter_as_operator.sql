CREATE OR REPLACE FUNCTION hallpass.enter_as_operator(p_organization uuid) RETURNS TABLE (at timestamptz, above uuid[])
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[] := coalesce((SELECT o.above FROM organization o WHERE o.id = p_organization), ARRAY[p_organization]);
BEGIN
    PERFORM set_config('hallpass.above', v_above::text, true),
            set_config('hallpass.operator_for', p_organization::text, true);
    RETURN QUERY SELECT moment(), v_above;
END $$;
COMMENT ON FUNCTION hallpass.enter_as_operator IS
    'The network''s operator at the console, as the owner of the tables, on behalf of an organization.';
