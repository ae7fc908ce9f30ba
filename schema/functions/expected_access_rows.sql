CREATE OR REPLACE FUNCTION hallpass.expected_access_rows(p_compartment uuid, p_ids uuid[], p_orgs uuid[]) RETURNS SETOF hallpass.access
    LANGUAGE sql STABLE AS $$
    WITH r AS MATERIALIZED (
        SELECT * FROM hallpass.resource r
        WHERE r.compartment = p_compartment AND r.current AND NOT r.deleted AND NOT r.directory
          AND (p_ids IS NULL OR r.id = ANY (p_ids))
    ), reach AS MATERIALIZED (
        SELECT e.consent, m.id AS org, m.ancestors FROM hallpass.release e
        JOIN hallpass.organization m ON m.ancestors && e.recipients
        WHERE e.compartment = p_compartment AND (p_orgs IS NULL OR m.id = ANY (p_orgs))
    ), covered AS MATERIALIZED (
        SELECT r.id, e.consent, p.node, p.permit, p.recipients
        FROM hallpass.release e JOIN hallpass.provision p ON p.compartment = e.compartment AND p.consent = e.consent
        JOIN r ON r.custodian = e.custodian
        WHERE e.compartment = p_compartment
          AND (r.type = 'Task' OR  -- covered where its referral is, which is judged live
               hallpass.provision_matches(p, e.part2, e.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels,
                              r.refs, r.authors, r.clinical))
    ), opening AS (
        SELECT r.id, unnest(o.ancestors) AS org, '-infinity'::timestamptz AS opens, 'infinity'::timestamptz AS closes
        FROM r JOIN hallpass.organization o ON o.id = r.custodian
        UNION ALL
        SELECT r.id, m.id, '-infinity', 'infinity'
        FROM r JOIN hallpass.organization m ON m.ancestors && r.parties WHERE r.parties <> '{}'
        UNION ALL
        SELECT c.id, reach.org, e.opens, e.closes
        FROM (SELECT DISTINCT id, consent FROM covered WHERE permit) c
        JOIN hallpass.release e ON e.compartment = p_compartment AND e.consent = c.consent
        JOIN reach ON reach.consent = c.consent
        UNION ALL
        SELECT r.id, e.organization, e.opens, e.closes
        FROM hallpass.emergency e CROSS JOIN r
        WHERE e.compartment = p_compartment AND hallpass.in_emergency(r.type, r.labels)
    ), alone AS (
        -- Of all that could ever bear on a record for an organization, times and purposes aside, there is one node.
        SELECT m.org, c.id, (array_agg(c.consent))[1] AS consent
        FROM covered c
        JOIN hallpass.provision t ON t.compartment = p_compartment AND t.consent = c.consent AND t.node = 0
        JOIN (SELECT DISTINCT org, ancestors FROM reach) m
            ON (t.recipients IS NULL OR t.recipients && m.ancestors) AND (c.recipients IS NULL OR c.recipients && m.ancestors)
        GROUP BY m.org, c.id HAVING count(*) = 1 AND bool_and(c.permit AND c.node = 0)
    ), signed AS (
        SELECT e.consent, e.version, t.purposes, greatest(e.opens, t.opens) AS since,
               CASE WHEN e.signer IS NULL THEN least(e.closes, t.closes)
                    ELSE least(e.closes, t.closes, a.closes, hallpass.birthday(s.born_from, 18, o.zone)) END AS until
        FROM hallpass.release e
        JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
        JOIN hallpass.student s ON s.compartment = e.compartment JOIN hallpass.organization o ON o.id = e.custodian
        LEFT JOIN hallpass.authority a ON a.compartment = e.compartment AND a.id = e.signer AND a.opens <= e.signed
        WHERE e.compartment = p_compartment
          AND CASE WHEN e.signer IS NULL THEN hallpass.birthday(s.born_to, e.age, o.zone) <= e.signed
                   ELSE a.id IS NOT NULL AND e.signed < hallpass.birthday(s.born_from, 18, o.zone) END
    )
    SELECT p_compartment, o.org, r.id, r.type, r.updated, min(o.opens), max(o.closes),
           g.consent, g.version, g.purposes, g.since, g.until, r.custodian
    FROM opening o JOIN r ON r.id = o.id
    LEFT JOIN alone ON alone.org = o.org AND alone.id = o.id AND NOT hallpass.hangs_on_signers(r.labels)
        AND r.type <> 'Task'
    LEFT JOIN signed g ON g.consent = alone.consent
    WHERE p_orgs IS NULL OR o.org = ANY (p_orgs)
    GROUP BY o.org, r.id, r.type, r.updated, r.custodian, g.consent, g.version, g.purposes, g.since, g.until
$$;
COMMENT ON FUNCTION hallpass.expected_access_rows IS
    'The rows that the access index should hold for a compartment; of some resources or organizations only, where given.';
