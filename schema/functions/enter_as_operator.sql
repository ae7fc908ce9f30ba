CREATE OR REPLACE FUNCTION hallpass.enter_as_operator(p_organization uuid)
    RETURNS TABLE (at timestamptz, above uuid[], below uuid[])
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[] := coalesce((SELECT o.above FROM organization o WHERE o.id = p_organization), ARRAY[p_organization]);
    v_below uuid[] := ARRAY(SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_organization]
                            UNION SELECT p_organization);
BEGIN
    PERFORM set_config('hallpass.above', v_above::text, true), set_config('hallpass.below', v_below::text, true);
    RETURN QUERY SELECT moment(), v_above, v_below;
END $$;
COMMENT ON FUNCTION hallpass.enter_as_operator IS
    'The network''s operator at the console, as the owner of the tables, on behalf of an organization.';
