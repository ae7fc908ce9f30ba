CREATE OR REPLACE FUNCTION hallpass.expected_access_rows(p_compartment uuid, p_custodian uuid, p_ids uuid[])
    RETURNS SETOF hallpass.access LANGUAGE sql STABLE AS $$
    WITH r AS MATERIALIZED (
        SELECT * FROM hallpass.resource r
        WHERE r.compartment = p_compartment AND r.current AND NOT r.deleted AND NOT r.directory
          AND (p_custodian IS NULL OR r.custodian = p_custodian) AND (p_ids IS NULL OR r.id = ANY (p_ids))
    ), covered AS MATERIALIZED (
        SELECT r.id, e.consent, p.permit, p.permit AND p.node = 0 AND p.recipients IS NOT NULL AS plain,
               coalesce(t.recipients, e.recipients) AS named, 
               hallpass.hangs_on_signers(r.labels) OR r.type IN ({live_types}) AS live
        FROM hallpass.release e JOIN hallpass.provision p ON p.compartment = e.compartment AND p.consent = e.consent
        JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
        JOIN r ON r.custodian = e.custodian
        WHERE e.compartment = p_compartment AND (p_custodian IS NULL OR e.custodian = p_custodian)
          AND (r.type IN ({live_types}) OR  -- covered where another record is, which is judged live
               hallpass.provision_matches(p, e.part2, e.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels,
                              r.refs, r.authors, r.clinical))
    ), precomputed AS (
        SELECT c.id, bool_and(c.plain) AND NOT bool_or(c.live) AS precomputed FROM covered c GROUP BY c.id
    ), named AS (
        SELECT DISTINCT c.id, x AS org, c.consent FROM covered c CROSS JOIN unnest(c.named) x WHERE c.permit
        UNION ALL
        SELECT DISTINCT r.id, x, NULL::uuid FROM r CROSS JOIN unnest(r.parties) x
        WHERE NOT r.type IN ({party_written_types})
    )
    SELECT p_compartment, n.id, n.org, n.consent, r.type, r.updated, r.custodian, n.consent IS NULL OR s.precomputed
    FROM named n JOIN r USING (id) LEFT JOIN precomputed s USING (id)
$$;
COMMENT ON FUNCTION hallpass.expected_access_rows IS
    'The rows that the access index should hold for a student; for one custodian or some records only, where given.';
