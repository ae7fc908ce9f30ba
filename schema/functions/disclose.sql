CREATE OR REPLACE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[],
    p_versions integer[], p_hold uuid[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_compartment     uuid;
    v_caller    uuid := caller();            -- read once: the settings are text, to be parsed at each mention
    v_widened   text[] := purposes();
    v_client    text := current_setting('hallpass.client', true);
    v_emergency boolean := emergency();
    v_agreed    uuid[];
    v_chain      smallint;
    v_before    chain_end;
    v_at        timestamptz;
    v_count     integer;
    v_link      bytea;
    c_tries     CONSTANT integer := 100;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(0) THEN
        RETURN -2;
    END IF;
    FOREACH v_compartment IN ARRAY p_hold LOOP
        -- What comes later in the order is not taken: who waits for one lock must hold none that comes after it.
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(v_compartment::text, 0)) THEN
            RETURN -2;
        END IF;
    END LOOP;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);  -- what is answered is durable, however the server is set
    END IF;
    IF v_caller IS NULL OR NOT client_is_active(v_client, current_setting('hallpass.token'), v_caller, v_emergency) THEN
        RETURN -1;
    END IF;
    v_agreed := CASE WHEN agreement_required() THEN agreed_custodians() END;
    v_chain := lock_chain();
    SELECT * INTO v_before FROM chain_end c WHERE c.chain = v_chain;
    v_at := instant();
    FOR v_try IN 1..c_tries LOOP
    BEGIN
    WITH judged AS MATERIALIZED (
        SELECT r.compartment, v_at AS at, coalesce(k.request, p_requests[1]) AS request, r.id, r.version, r.type,
               coalesce(k.interaction, p_interactions[1]) AS interaction, r.student, r.custodian,
               v_caller AS recipient, v_client AS client, p_agent AS agent, p_purposes AS purposes,
               CASE WHEN o.party THEN 'party' WHEN r.directory THEN 'directory' WHEN o.consent IS NOT NULL THEN 'release'
                    WHEN v_emergency AND r.student IS NOT NULL AND in_emergency(r.type, r.labels)
                         AND glass_broken(r.compartment) THEN 'emergency' END AS basis,
               o.consent, o.consent_version
        FROM unnest(p_requests, p_interactions, p_compartments, p_ids, p_versions) AS k(request, interaction, compartment, id, version)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.version = k.version
        LEFT JOIN access a ON r.current AND a.compartment = r.compartment AND a.org = v_caller AND a.id = r.id
            AND a.since <= statement_time() AND statement_time() < a.until AND (a.purposes IS NULL OR a.purposes && v_widened)
            AND (v_agreed IS NULL OR r.custodian = ANY (v_agreed))
        CROSS JOIN LATERAL (
            SELECT p.party, CASE WHEN p.asked THEN coalesce(a.consent, consent_permitting(
                r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
                r.clinical)) END AS consent
            FROM (SELECT p.party, NOT p.party AND NOT r.directory AND r.student IS NOT NULL AS asked
                  FROM (SELECT sees_as_party(r.type, r.parties) AS party OFFSET 0) p) p OFFSET 0) c  -- else each mention judges
        LEFT JOIN release e ON a.consent IS NULL AND e.compartment = r.compartment AND e.consent = c.consent
        CROSS JOIN LATERAL (
            SELECT c.party, c.consent, CASE WHEN c.consent IS NOT NULL THEN coalesce(a.version, e.version) END
                   AS consent_version) o
        WHERE r.current OR r.directory OR sees_current(r.compartment, r.id)
    ), reasoned AS (
        SELECT j.*, CASE WHEN j.basis = 'emergency' THEN (
                   SELECT e.reason FROM emergency e
                   WHERE e.compartment = j.compartment AND e.organization = j.recipient AND e.opens <= statement_time() AND statement_time() < e.closes
                   ORDER BY e.opens DESC LIMIT 1) END AS reason
        FROM judged j WHERE j.basis IS NOT NULL
    ), entered AS (
        INSERT INTO disclosure (compartment, at, request, id, version, type, interaction, student, custodian, recipient, client,
                                agent, purposes, basis, consent, consent_version, reason, chain, batch)
        SELECT r.compartment, r.at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, r.recipient,
               r.client, r.agent, r.purposes, r.basis, r.consent, r.consent_version, r.reason, v_chain,
               coalesce(v_before.n, 0) + 1
        FROM reasoned r
    )
    SELECT count(*), next_link(v_before.link, string_agg(entry_bytes(
               r.compartment, r.at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, r.recipient,
               r.client, r.agent, r.purposes, r.basis, r.consent, r.consent_version, r.reason), ''
               ORDER BY r.compartment, r.request, r.id, r.version))
        INTO v_count, v_link FROM reasoned r;
    IF v_count > 0 THEN
        INSERT INTO batch VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_at, v_count, v_link);
        INSERT INTO chain_end VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_link)
            ON CONFLICT (chain) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link;
    END IF;
    RETURN v_count;
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
    'Judges each version once more, for the caller of this transaction, and enters on the ledger those that it may see.
     One request and interaction may stand for all. Takes the locks of the compartments in `p_hold`, given in order; those of
     others the caller of this function holds. Answers how many entries; -1 when the caller no longer stands; -2, and
     nothing entered, when a write goes on in a compartment of `p_hold`: then wait for it first.';
