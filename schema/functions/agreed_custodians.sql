CREATE OR REPLACE FUNCTION hallpass.agreed_custodians() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian) WHERE agreed_since(c.custodian) = '-infinity');
END $$;
COMMENT ON FUNCTION hallpass.agreed_custodians IS
    'Of the custodians whose releases name the caller, those that may disclose to it now by an agreement that never lapsed.';
