CREATE OR REPLACE FUNCTION hallpass.expected_access_rows(p_compartments uuid[], p_ids uuid[])
    RETURNS TABLE (compartment uuid, id uuid, org uuid, consent uuid, type text, updated timestamptz, custodian uuid,
                   precomputed boolean)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH r AS MATERIALIZED (
        SELECT r.compartment, r.id, r.type, r.updated, r.custodian, r.profiles, r.codes, r.confidentiality, r.labels,
               r.parties, r.refs, r.authors, r.clinical
        FROM (SELECT DISTINCT k.compartment, k.id FROM unnest(p_compartments, p_ids) k(compartment, id)) k
        JOIN hallpass.resource r ON r.compartment = k.compartment AND r.id = k.id
        WHERE r.current AND NOT r.deleted AND NOT r.directory
    ), node AS MATERIALIZED (
        SELECT p.compartment, e.custodian, e.part2, x.p, p.permit,
               p.permit AND p.node = 0 AND p.recipients IS NOT NULL AS plain,
               e.consent, coalesce(t.recipients, e.recipients) AS named
        FROM (SELECT DISTINCT r.compartment, r.custodian FROM r) k
        JOIN hallpass.release e ON e.compartment = k.compartment AND e.custodian = k.custodian
        JOIN hallpass.provision p ON p.compartment = e.compartment AND p.consent = e.consent
        JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
        CROSS JOIN LATERAL (SELECT p OFFSET 0) x
    ), covered AS (
        SELECT r.compartment, r.id, r.type, r.updated, r.custodian, n.consent, n.permit, n.named,
               bool_and(n.plain) OVER one AND NOT bool_or(
                   hallpass.hangs_on_signers(r.labels) OR r.type IN ({live_types})) OVER one AS precomputed
        FROM r JOIN node n ON n.compartment = r.compartment AND n.custodian = r.custodian
        WHERE r.type IN ({live_types}) OR  -- covered where another record is, which is judged live
              hallpass.provision_matches(n.p, n.part2, n.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality,
                              r.labels, r.refs, r.authors, r.clinical)
        WINDOW one AS (PARTITION BY r.id)
    )
    -- No step is joined with another: how many rows there are is not known when the plan is made.
    SELECT DISTINCT c.compartment, c.id, x, c.consent, c.type, c.updated, c.custodian, c.precomputed
        FROM covered c CROSS JOIN unnest(c.named) x WHERE c.permit
    UNION ALL
    SELECT DISTINCT r.compartment, r.id, x, NULL::uuid, r.type, r.updated, r.custodian, true
        FROM r CROSS JOIN unnest(r.parties) x
        WHERE (NOT r.type IN ({party_written_types}) OR '{seen_by_parties}' = ANY (r.parties)) AND x <> '{seen_by_parties}'
    UNION ALL
    SELECT r.compartment, r.id, k.recipient, NULL::uuid, r.type, r.updated, r.custodian, true
        FROM r JOIN hallpass.receipt k ON k.compartment = r.compartment AND k.consent = r.id
        WHERE r.type = 'Consent' AND NOT k.recipient = ANY (r.parties);
END $$;
COMMENT ON FUNCTION hallpass.expected_access_rows IS
    'The rows that the access index should hold for these records, of any students.';
