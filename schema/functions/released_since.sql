CREATE OR REPLACE FUNCTION hallpass.released_since(p_since timestamptz) RETURNS TABLE (compartment uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT k.compartment, k.custodian FROM unnest(ancestors()) o(org)
    CROSS JOIN LATERAL (SELECT * FROM active_release k WHERE k.org = o.org OFFSET 0) k
    JOIN release e ON e.compartment = k.compartment AND e.consent = k.consent
    JOIN resource c ON c.compartment = k.compartment AND c.id = k.consent AND c.current
    WHERE c.updated >= p_since OR e.opens >= p_since
$$;
COMMENT ON FUNCTION hallpass.released_since IS
    'The students of whom a release that was written or began since then opens something to the caller.';
