CREATE OR REPLACE FUNCTION hallpass.honoring() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian)
    JOIN organization o ON o.id = c.custodian WHERE o.honor
$$;
COMMENT ON FUNCTION hallpass.honoring IS
    'Of the custodians whose releases name the caller, those that honor a parent''s signature past the 18th birthday.';
