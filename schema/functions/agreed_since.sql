-- The rule; the reference is app/consent/evaluate.py, and a property test holds the two equal.
CREATE OR REPLACE FUNCTION hallpass.agreed_since(p_custodian uuid) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT (SELECT coalesce(max(upper(s)) FILTER (WHERE upper(s) <= statement_time()), '-infinity') FROM unnest(a.spans) s)
    FROM (
        SELECT range_agg(tstzrange(g.opens, g.closes)) AS spans FROM tree d CROSS JOIN unnest(ancestors()) r(recipient)
        JOIN agreement g ON g.discloser = d.ancestor AND g.recipient = r.recipient
        WHERE d.id = p_custodian AND EXISTS (SELECT 1 FROM tree h WHERE h.id = p_custodian AND h.ancestor = g.custodian)
    ) a WHERE a.spans @> statement_time());
END $$;
COMMENT ON FUNCTION hallpass.agreed_since IS
    'Since when agreements have let a custodian disclose to the caller without a break: a release that began before has no
     effect any more. -infinity: there was no break. NULL: none lets it now.';
