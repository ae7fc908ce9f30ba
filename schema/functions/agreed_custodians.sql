CREATE OR REPLACE FUNCTION hallpass.agreed_custodians() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT o.id), '{}')
    FROM agreement g JOIN organization o ON o.ancestors @> ARRAY[g.discloser, g.custodian]
    WHERE g.recipient = ANY (ancestors()) AND g.opens <= statement_time() AND statement_time() < g.closes
$$;
COMMENT ON FUNCTION hallpass.agreed_custodians IS 'The organizations with an agreement, now, to disclose to the caller.';
