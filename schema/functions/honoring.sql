CREATE OR REPLACE FUNCTION hallpass.honoring() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian)
            JOIN organization o ON o.id = c.custodian WHERE o.honor);
END $$;
COMMENT ON FUNCTION hallpass.honoring IS
    'Of the custodians whose releases name the caller, those that honor a parent''s signature past the 18th birthday.';
