CREATE OR REPLACE FUNCTION hallpass.judge(p_compartments uuid[], p_ids uuid[], p_versions integer[])
    RETURNS TABLE (compartment uuid, id uuid, version integer, consent uuid, consent_version integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_ancestors     uuid[] := ancestors();
    v_purposes  text[] := purposes();
    v_now       timestamptz := statement_time();
    v_agreement boolean := agreement_required();
BEGIN
    IF caller() IS NULL OR cardinality(p_ids) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH r AS MATERIALIZED (
        SELECT r.compartment, r.id, r.version, r.custodian, r.type, r.profiles, r.codes, r.confidentiality, r.labels, r.refs,
               r.authors, r.clinical
        FROM unnest(p_compartments, p_ids, p_versions) AS k(compartment, id, version) CROSS JOIN LATERAL (
            SELECT * FROM resource r WHERE r.compartment = k.compartment AND r.id = k.id
              AND (r.version = k.version OR k.version IS NULL AND r.current AND NOT r.deleted) OFFSET 0) r
        WHERE r.student IS NOT NULL
    ), custodian AS MATERIALIZED (
        SELECT c.custodian, o.honor, a.since FROM (SELECT DISTINCT r.custodian FROM r) c
        JOIN organization o ON o.id = c.custodian
        CROSS JOIN LATERAL (
            SELECT CASE WHEN v_agreement THEN agreed_since(c.custodian) ELSE '-infinity' END AS since OFFSET 0) a
    ), force AS MATERIALIZED (
        SELECT k.compartment, k.consent, k.version, k.custodian, x.e
        FROM (SELECT DISTINCT r.compartment, r.custodian FROM r) c JOIN custodian o ON o.custodian = c.custodian
        CROSS JOIN LATERAL (
            SELECT DISTINCT k.compartment, k.consent, k.version, k.custodian FROM validity k
            WHERE k.compartment = c.compartment AND k.custodian = c.custodian AND k.since <= v_now AND v_now < k.until
              AND k.since >= o.since
              AND (k.majority IS NULL OR v_now < k.majority OR o.honor)) k
        CROSS JOIN LATERAL (
            SELECT e FROM release e WHERE e.compartment = k.compartment AND e.consent = k.consent OFFSET 0) x(e)
    ), node AS MATERIALIZED (
        SELECT x.p, f.e, f.custodian, f.version
        FROM force f CROSS JOIN LATERAL (
            SELECT p FROM provision p WHERE p.compartment = f.compartment AND p.consent = f.consent OFFSET 0) x(p)
        WHERE (x.p).opens <= v_now AND v_now < (x.p).closes AND ((x.p).recipients IS NULL OR (x.p).recipients && v_ancestors)
          AND ((x.p).purposes IS NULL OR (x.p).purposes && v_purposes)
    ), said AS (
        SELECT r.compartment, r.id, r.version, (n.p).consent, n.version AS consent_version, (n.e).opens,
               CASE WHEN count(*) = 1 THEN CASE WHEN min((n.p).node) = 0 THEN bool_and((n.p).permit) END
                    ELSE verdict(array_agg((n.p).node ORDER BY (n.p).node DESC), array_agg((n.p).parent ORDER BY (n.p).node DESC),
                                 bool_or((n.p).permit) FILTER (WHERE (n.p).node = 0)) END AS permits
        FROM r JOIN node n ON (n.p).compartment = r.compartment AND n.custodian = r.custodian
        WHERE NOT r.type IN ({live_types}) AND (NOT (n.p).permit OR NOT hangs_on_signers(r.labels) OR signers_suffice(n.e, r.labels, r.clinical))
          AND provision_matches(n.p, (n.e).part2, n.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs,
                     r.authors, r.clinical)
        GROUP BY r.compartment, r.id, r.version, (n.p).consent, n.version, (n.e).opens
    )
    (SELECT DISTINCT ON (s.compartment, s.id, s.version) s.compartment, s.id, s.version, s.consent, s.consent_version FROM said s
    WHERE s.permits AND NOT EXISTS (
        SELECT 1 FROM said d WHERE d.compartment = s.compartment AND d.id = s.id AND d.version = s.version AND NOT d.permits)
    ORDER BY s.compartment, s.id, s.version, s.opens, s.consent)
    UNION ALL  -- a Task is covered where its referral is, a Binary where what refers to it is
    SELECT r.compartment, r.id, r.version, o.consent, e.version FROM r
    CROSS JOIN LATERAL (SELECT consent_permitting(
        r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
        r.clinical) AS consent OFFSET 0) o
    JOIN release e ON e.compartment = r.compartment AND e.consent = o.consent
    WHERE r.type IN ({live_types});
END $$;
COMMENT ON FUNCTION hallpass.judge IS
    'Of these versions (without one: of the current ones), those that a release opens to the caller now, and which release that is, the earliest of several; all in one statement.';
