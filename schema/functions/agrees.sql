CREATE OR REPLACE FUNCTION hallpass.agrees(p_custodian uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM tree d CROSS JOIN unnest(ancestors()) r(recipient)
        JOIN agreement g ON g.discloser = d.ancestor AND g.recipient = r.recipient
        WHERE d.id = p_custodian AND g.opens <= statement_time() AND statement_time() < g.closes
          AND EXISTS (SELECT 1 FROM tree h WHERE h.id = p_custodian AND h.ancestor = g.custodian));
END $$;
COMMENT ON FUNCTION hallpass.agrees IS 'Whether an agreement lets a custodian disclose to the caller now.';
