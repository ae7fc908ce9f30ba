CREATE OR REPLACE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[],
    p_versions integer[], p_custodians uuid[], p_locked_compartments uuid[], p_locked_custodians uuid[],
    OUT entered integer, OUT own uuid[],
    OUT ground_ids uuid[], OUT ground_versions integer[], OUT grounds uuid[], OUT grounds_versions integer[], OUT scopes text[], OUT redisclosable boolean[]
) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_caller    uuid := caller();            -- read once: the settings are text, to be parsed at each mention
    v_ancestors     uuid[] := ancestors();
    v_client    text := current_setting('hallpass.client', true);
    v_emergency boolean := emergency();
    v_key       bigint;
    v_chain      smallint;
    v_before    chain_end;
    v_at        timestamptz;
    v_link      bytea;
    v_students  uuid[];
    v_consents  uuid[];
    c_tries     CONSTANT integer := 100;
BEGIN
    entered := 0;
    SELECT coalesce(array_agg(c.custodian), '{}') INTO own
        FROM (SELECT DISTINCT c FROM unnest(p_custodians) c OFFSET 0) c(custodian) WHERE holds(c.custodian);
    IF p_custodians <@ own THEN
        RETURN;  -- the caller's own: no disclosure
    END IF;
    FOREACH v_key IN ARRAY disclosure_keys(p_locked_compartments, p_locked_custodians) LOOP
        -- What comes later in the order is not taken: who waits for one lock must hold none that comes after it.
        IF NOT pg_try_advisory_xact_lock_shared(v_key) THEN
            entered := -2;
            RETURN;
        END IF;
    END LOOP;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);  -- what is answered is durable, however the server is set
    END IF;
    IF v_caller IS NULL OR NOT client_is_active(v_client, current_setting('hallpass.token'), v_caller, v_emergency) THEN
        entered := -1;
        RETURN;
    END IF;
    IF v_ancestors IS DISTINCT FROM counts_as(v_caller) THEN
        RAISE EXCEPTION 'the caller''s organization was moved meanwhile' USING ERRCODE = '40001';
    END IF;
    v_chain := lock_chain();
    SELECT * INTO v_before FROM chain_end c WHERE c.chain = v_chain;
    v_at := instant();
    FOR v_try IN 1..c_tries LOOP
    BEGIN
    WITH leaving AS MATERIALIZED (
        SELECT coalesce(k.request, p_requests[1]) AS request, coalesce(k.interaction, p_interactions[1]) AS interaction,
               r.compartment, r.id, r.version, r.type, r.student, r.custodian, r.directory, r.current, r.deleted, r.labels,
               sees_as_party(r.compartment, r.id, r.type, r.parties) AS party
        FROM unnest(p_requests, p_interactions, p_compartments, p_ids, p_versions, p_custodians)
             AS k(request, interaction, compartment, id, version, custodian)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.version = k.version AND r.custodian = k.custodian
        WHERE NOT r.custodian = ANY (own) AND (r.current OR r.directory OR sees_current(r.compartment, r.id))
    ), precomputed AS MATERIALIZED (
        SELECT DISTINCT ON (l.compartment, l.id) l.compartment, l.id, l.version, k.consent, k.version AS consent_version
        FROM leaving l
        CROSS JOIN LATERAL (SELECT a.org, a.consent FROM access a WHERE a.compartment = l.compartment AND a.id = l.id
                            AND a.org = ANY (v_ancestors) AND a.precomputed AND a.consent IS NOT NULL OFFSET 0) a
        CROSS JOIN LATERAL (SELECT k.consent, k.version, k.since FROM active_release k WHERE k.org = a.org
                            AND k.consent = a.consent AND k.exact OFFSET 0) k
        WHERE l.current AND NOT l.deleted AND l.student IS NOT NULL
        ORDER BY l.compartment, l.id, k.since, k.consent
    ), asked AS MATERIALIZED (
        SELECT j.* FROM (
            SELECT array_agg(l.compartment) AS compartments, array_agg(l.id) AS ids, array_agg(l.version) AS versions
            FROM (SELECT DISTINCT l.compartment, l.id, l.version FROM leaving l
                  WHERE l.student IS NOT NULL AND NOT l.party AND NOT EXISTS (
                      SELECT 1 FROM precomputed s WHERE s.compartment = l.compartment AND s.id = l.id AND s.version = l.version)) l
            HAVING count(*) > 0) k
        CROSS JOIN LATERAL judge(k.compartments, k.ids, k.versions) j
    ), opened AS MATERIALIZED (
        SELECT * FROM precomputed UNION ALL SELECT * FROM asked
    ), judged AS MATERIALIZED (
        SELECT l.*, CASE WHEN l.party THEN 'party' WHEN l.directory THEN 'directory' WHEN o.consent IS NOT NULL THEN 'release'
                         WHEN v_emergency AND l.student IS NOT NULL AND in_emergency(l.type, l.labels)
                              AND glass_broken(l.compartment) THEN 'emergency' END AS basis,
               CASE WHEN NOT l.party THEN o.consent END AS consent,
               CASE WHEN NOT l.party THEN o.consent_version END AS consent_version
        FROM leaving l LEFT JOIN opened o ON o.compartment = l.compartment AND o.id = l.id AND o.version = l.version
    ), reasoned AS MATERIALIZED (
        SELECT j.*, CASE WHEN j.basis = 'emergency' THEN (
                   SELECT e.reason FROM emergency e
                   WHERE e.compartment = j.compartment AND e.organization = v_caller AND e.opens <= statement_time() AND statement_time() < e.closes
                   ORDER BY e.opens DESC LIMIT 1) END AS reason
        FROM judged j WHERE j.basis IS NOT NULL
    ), inserted AS (
        INSERT INTO disclosure (compartment, at, request, id, version, type, interaction, student, custodian, recipient, client,
                                agent, purposes, basis, consent, consent_version, reason, chain, batch)
        SELECT r.compartment, v_at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, v_caller,
               v_client, p_agent, p_purposes, r.basis, r.consent, r.consent_version, r.reason, v_chain,
               coalesce(v_before.n, 0) + 1
        FROM reasoned r
    )
    SELECT count(*), next_link(v_before.link, string_agg(entry_bytes(
               r.compartment, v_at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, v_caller,
               v_client, p_agent, p_purposes, r.basis, r.consent, r.consent_version, r.reason, NULL, NULL), ''
               ORDER BY r.compartment, r.request, r.id, r.version))
        , array_agg(r.id) FILTER (WHERE r.consent IS NOT NULL), array_agg(r.version) FILTER (WHERE r.consent IS NOT NULL),
        array_agg(r.consent) FILTER (WHERE r.consent IS NOT NULL), array_agg(r.consent_version) FILTER (WHERE r.consent IS NOT NULL),
        array_agg(CASE WHEN '42CFRPart2' = ANY (r.labels) THEN consent_scope(r.compartment, r.consent) END)
            FILTER (WHERE r.consent IS NOT NULL),
        array_agg(coalesce(e.redisclosable, false)) FILTER (WHERE r.consent IS NOT NULL),
        array_agg(r.compartment) FILTER (WHERE e.by_class), array_agg(r.consent) FILTER (WHERE e.by_class)
        INTO entered, v_link, ground_ids, ground_versions, grounds, grounds_versions, scopes, redisclosable, v_students, v_consents
        FROM reasoned r LEFT JOIN LATERAL (
            SELECT e.redisclosable, e.by_class FROM release e
            WHERE e.compartment = r.compartment AND e.consent = r.consent OFFSET 0) e ON true;
    IF v_consents IS NOT NULL THEN
        PERFORM enter_receipts(v_students, v_consents);
    END IF;
    IF entered > 0 THEN
        INSERT INTO batch VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_at, entered, v_link);
        INSERT INTO chain_end VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_link)
            ON CONFLICT (chain) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link;
    END IF;
    RETURN;
    EXCEPTION WHEN unique_violation THEN
        -- Two entries of a Bundle may be about one version, and the clock need not have gone on between them.
        IF v_try = c_tries THEN
            RAISE;
        END IF;
        v_at := v_at + interval '1 microsecond';
    END;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.disclose IS
    'Judges each version once more, for the caller of this transaction, and enters on the ledger those that it may see:
     all in one statement, after sharing the locks of what could end it. One request and interaction may stand for all.
     Returns how many entries, which of the custodians are the caller''s own, whose versions are not entered, and under which
     Consent and version each leaves that a release opens, with its scope where 42 CFR Part 2 asks for that, and whether its law lets the recipient pass it on; -1 when
     the caller no longer stands; -2, and nothing entered, when a write goes on that may end it: then wait for it first
     (lock_disclosure).';
