CREATE OR REPLACE FUNCTION hallpass.lapsed_custodians() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian) WHERE agreed_since(c.custodian) > '-infinity'
$$;
COMMENT ON FUNCTION hallpass.lapsed_custodians IS
    'Of the custodians whose releases name the caller, those that may disclose to it by an agreement that had lapsed: only
     under releases that began since.';
