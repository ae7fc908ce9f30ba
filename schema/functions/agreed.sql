CREATE OR REPLACE FUNCTION hallpass.agreed() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT o.id), '{}')
    FROM agreement g JOIN organization o ON o.above @> ARRAY[g.discloser, g.custodian]
    WHERE g.recipient = ANY (above()) AND g.opens <= moment() AND moment() < g.closes
$$;
COMMENT ON FUNCTION hallpass.agreed IS 'The organizations with an agreement, now, to disclose to the caller.';
