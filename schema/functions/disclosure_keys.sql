CREATE OR REPLACE FUNCTION hallpass.disclosure_keys(p_compartments uuid[], p_custodians uuid[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (WITH other AS MATERIALIZED (
        SELECT x.custodian FROM (SELECT DISTINCT c FROM unnest(p_custodians) c OFFSET 0) x(custodian) WHERE NOT holds(x.custodian)
    ), place AS MATERIALIZED (
        SELECT t.ancestor FROM other x JOIN tree t ON t.id = x.custodian
    ), ancestors AS MATERIALIZED (
        SELECT a.org FROM unnest(ancestors()) a(org)
    )
    SELECT array_agg(DISTINCT k.key ORDER BY k.key) FROM (
        SELECT client_key(current_setting('hallpass.client', true)) AS key
        UNION ALL SELECT token_key(current_setting('hallpass.token', true))
        UNION ALL SELECT place_key(a.org) FROM ancestors a
        UNION ALL SELECT place_key(p.ancestor) FROM place p
        UNION ALL SELECT agreement_key(p.ancestor, a.org) FROM place p CROSS JOIN ancestors a WHERE agreement_required()
        UNION ALL SELECT release_key(k.compartment, k.custodian) FROM unnest(p_compartments, p_custodians) AS k(compartment, custodian)
            WHERE k.custodian IN (SELECT x.custodian FROM other x)
    ) k);
END $$;
COMMENT ON FUNCTION hallpass.disclosure_keys IS
    'The locks that a disclosure of what these custodians hold about these students shares, in their order. What the
     caller holds itself takes none.';
