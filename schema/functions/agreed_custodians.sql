CREATE OR REPLACE FUNCTION hallpass.agreed_custodians() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian) WHERE agreed_since(c.custodian) = '-infinity'
$$;
COMMENT ON FUNCTION hallpass.agreed_custodians IS
    'Of the custodians whose releases name the caller, those that may disclose to it now by an agreement that never lapsed.';
