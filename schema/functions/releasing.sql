CREATE OR REPLACE FUNCTION hallpass.releasing() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE c AS (
        SELECT o.org, x.custodian FROM unnest(ancestors()) o(org) CROSS JOIN LATERAL (
            SELECT k.custodian FROM validity k WHERE k.org = o.org ORDER BY k.custodian LIMIT 1) x
        UNION ALL
        SELECT c.org, x.custodian FROM c CROSS JOIN LATERAL (
            SELECT k.custodian FROM validity k WHERE k.org = c.org AND k.custodian > c.custodian
            ORDER BY k.custodian LIMIT 1) x
    )
    SELECT DISTINCT c.custodian FROM c;
END $$;
COMMENT ON FUNCTION hallpass.releasing IS
    'The custodians whose releases name the caller; found one by one in the index, however many releases there are.';
