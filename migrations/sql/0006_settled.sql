-- Where one provision alone can bear on a record, the access index says so: then a record is seen, counted and entered
-- on the ledger without the whole rule being gone through for it. Anything else is left to the rule (hallpass.opened).

ALTER TABLE hallpass.access
    ADD COLUMN consent  uuid,                -- the release that opens it, by the root alone; NULL: the rule is asked
    ADD COLUMN version  integer,             -- the Consent's
    ADD COLUMN purposes text[],              -- one of them must be the caller's; NULL: any will do
    ADD COLUMN since    timestamptz,
    ADD COLUMN until    timestamptz,         -- of the release, its signer's authority, and the 18th birthday, the first
    ADD CHECK ((consent IS NULL) = (version IS NULL) AND (consent IS NULL) = (since IS NULL)
               AND (consent IS NULL) = (until IS NULL) AND (consent IS NOT NULL OR purposes IS NULL));
CREATE INDEX agreement_recipient ON hallpass.agreement (recipient);

CREATE FUNCTION hallpass.agreed() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT o.id), '{}')
    FROM agreement g JOIN organization o ON o.above @> ARRAY[g.discloser, g.custodian]
    WHERE g.recipient = ANY (above()) AND g.opens <= moment() AND moment() < g.closes
$$;
COMMENT ON FUNCTION hallpass.agreed IS 'The organizations with an agreement, now, to disclose to the caller.';

DROP FUNCTION hallpass.candidates;
CREATE FUNCTION hallpass.candidates(p_shard uuid, p_ids uuid[], p_orgs uuid[]) RETURNS SETOF hallpass.access
    LANGUAGE sql STABLE AS $$
    WITH r AS MATERIALIZED (
        SELECT * FROM hallpass.resource r
        WHERE r.shard = p_shard AND r.current AND NOT r.deleted AND NOT r.directory
          AND (p_ids IS NULL OR r.id = ANY (p_ids))
    ), reach AS MATERIALIZED (
        SELECT e.consent, m.id AS org, m.above FROM hallpass.release e
        JOIN hallpass.organization m ON m.above && e.recipients
        WHERE e.shard = p_shard AND (p_orgs IS NULL OR m.id = ANY (p_orgs))
    ), covered AS MATERIALIZED (
        SELECT r.id, e.consent, p.node, p.permit, p.recipients
        FROM hallpass.release e JOIN hallpass.provision p ON p.shard = e.shard AND p.consent = e.consent
        JOIN r ON r.custodian = e.custodian
        WHERE e.shard = p_shard
          AND hallpass.covers(p, e.part2, e.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels,
                              r.refs, r.authors, r.clinical)
    ), opening AS (
        SELECT r.id, unnest(o.above) AS org, '-infinity'::timestamptz AS opens, 'infinity'::timestamptz AS closes
        FROM r JOIN hallpass.organization o ON o.id = r.custodian
        UNION ALL
        SELECT r.id, m.id, '-infinity', 'infinity'
        FROM r JOIN hallpass.organization m ON m.above && r.parties WHERE r.parties <> '{}'
        UNION ALL
        SELECT c.id, reach.org, e.opens, e.closes
        FROM (SELECT DISTINCT id, consent FROM covered WHERE permit) c
        JOIN hallpass.release e ON e.shard = p_shard AND e.consent = c.consent
        JOIN reach ON reach.consent = c.consent
        UNION ALL
        SELECT r.id, e.organization, e.opens, e.closes
        FROM hallpass.emergency e CROSS JOIN r
        WHERE e.shard = p_shard AND hallpass.in_emergency(r.type, r.labels)
    ), alone AS (
        -- Of all that could ever bear on a record for an organization, times and purposes aside, there is one node.
        SELECT m.org, c.id, (array_agg(c.consent))[1] AS consent
        FROM covered c
        JOIN hallpass.provision t ON t.shard = p_shard AND t.consent = c.consent AND t.node = 0
        JOIN (SELECT DISTINCT org, above FROM reach) m
            ON (t.recipients IS NULL OR t.recipients && m.above) AND (c.recipients IS NULL OR c.recipients && m.above)
        GROUP BY m.org, c.id HAVING count(*) = 1 AND bool_and(c.permit AND c.node = 0)
    ), signed AS (
        SELECT e.consent, e.version, t.purposes, greatest(e.opens, t.opens) AS since,
               CASE WHEN e.signer IS NULL THEN least(e.closes, t.closes)
                    ELSE least(e.closes, t.closes, a.closes, hallpass.birthday(s.born_from, 18, o.zone)) END AS until
        FROM hallpass.release e
        JOIN hallpass.provision t ON t.shard = e.shard AND t.consent = e.consent AND t.node = 0
        JOIN hallpass.student s ON s.shard = e.shard JOIN hallpass.organization o ON o.id = e.custodian
        LEFT JOIN hallpass.authority a ON a.shard = e.shard AND a.id = e.signer AND a.opens <= e.signed
        WHERE e.shard = p_shard
          AND CASE WHEN e.signer IS NULL THEN hallpass.birthday(s.born_to, e.age, o.zone) <= e.signed
                   ELSE a.id IS NOT NULL AND e.signed < hallpass.birthday(s.born_from, 18, o.zone) END
    )
    SELECT p_shard, o.org, r.id, r.type, r.updated, min(o.opens), max(o.closes),
           g.consent, g.version, g.purposes, g.since, g.until
    FROM opening o JOIN r ON r.id = o.id
    LEFT JOIN alone ON alone.org = o.org AND alone.id = o.id LEFT JOIN signed g ON g.consent = alone.consent
    WHERE p_orgs IS NULL OR o.org = ANY (p_orgs)
    GROUP BY o.org, r.id, r.type, r.updated, g.consent, g.version, g.purposes, g.since, g.until
$$;
COMMENT ON FUNCTION hallpass.candidates IS
    'The rows that the access index should hold for a shard; of some resources or organizations only, where given.';

CREATE OR REPLACE FUNCTION hallpass.index_newcomer(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[];
    v_shard uuid;
BEGIN
    SELECT o.above INTO v_above FROM organization o WHERE o.id = p_id;
    INSERT INTO access (shard, org, id, type, updated, opens, closes)
        SELECT r.shard, p_id, r.id, r.type, r.updated, '-infinity', 'infinity' FROM resource r
        WHERE r.parties && v_above AND r.current AND NOT r.deleted AND r.parties <> '{}';
    FOR v_shard IN SELECT DISTINCT e.shard FROM release e WHERE e.recipients && v_above ORDER BY 1 LOOP
        PERFORM index_student(v_shard, ARRAY[p_id]);
    END LOOP;
END $$;

CREATE FUNCTION hallpass.index_released(p_shard uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_recipients uuid[];
BEGIN
    SELECT array_agg(DISTINCT x) INTO v_recipients FROM release e CROSS JOIN unnest(e.recipients) x
        WHERE e.shard = p_shard;
    IF v_recipients IS NOT NULL THEN
        PERFORM index_student(p_shard, v_recipients);
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.index_released IS
    'Brings the access index up to date after what the releases of a student are judged by has changed.';

-- Who sees what: the same rule, the short way first ----------------------------------------------------------------------

DROP POLICY see ON hallpass.resource;
CREATE POLICY see ON hallpass.resource FOR SELECT USING (
    custodian = ANY ((SELECT hallpass.below())::uuid[])
    OR (directory AND (SELECT hallpass.caller()) IS NOT NULL)
    OR parties && (SELECT hallpass.above())::uuid[]
    OR (student IS NOT NULL AND current
        AND (NOT (SELECT hallpass.agreement_required()) OR custodian = ANY ((SELECT hallpass.agreed())::uuid[]))
        AND EXISTS (
            SELECT 1 FROM hallpass.access a
            WHERE a.shard = resource.shard AND a.org = (SELECT hallpass.caller()) AND a.id = resource.id
              AND a.since <= hallpass.moment() AND hallpass.moment() < a.until
              AND (a.purposes IS NULL OR a.purposes && (SELECT hallpass.purposes())::text[])))
    OR (student IS NOT NULL AND hallpass.opened(
        shard, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical) IS NOT NULL)
    OR (student IS NOT NULL AND (SELECT hallpass.emergency()) AND hallpass.in_emergency(type, labels)
        AND hallpass.glass_broken(shard)));

-- Disclosing: takes the shards' locks itself, if none of them has to be waited for ----------------------------------------

DROP FUNCTION hallpass.disclose;
CREATE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_shards uuid[], p_ids uuid[],
    p_versions integer[], p_hold uuid[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_agreed uuid[];
    v_at     timestamptz;
    v_count  integer;
BEGIN
    IF NOT true = ALL (try_hold(p_hold)) THEN
        RETURN -2;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);  -- what is answered is durable, however the server is set
    END IF;
    PERFORM hold_chains(p_hold);
    IF caller() IS NULL OR NOT stands(current_setting('hallpass.client'), current_setting('hallpass.token'), caller(),
                                      emergency()) THEN
        RETURN -1;
    END IF;
    v_agreed := CASE WHEN agreement_required() THEN agreed() END;
    v_at := instant();
    -- Two entries of a Bundle may be about one version, and the clock need not have gone on between them.
    WHILE EXISTS (SELECT 1 FROM unnest(p_shards, p_requests) AS k(shard, request) JOIN disclosure d
                  ON d.shard = k.shard AND d.request = coalesce(k.request, p_requests[1]) WHERE d.at = v_at) LOOP
        v_at := v_at + interval '1 microsecond';
    END LOOP;
    WITH judged AS MATERIALIZED (
        SELECT r.shard, v_at AS at, coalesce(k.request, p_requests[1]) AS request, r.id, r.version, r.type,
               coalesce(k.interaction, p_interactions[1]) AS interaction, r.student, r.custodian,
               caller() AS recipient, current_setting('hallpass.client') AS client, p_agent AS agent,
               p_purposes AS purposes,
               CASE WHEN o.party THEN 'party' WHEN r.directory THEN 'directory' WHEN o.consent IS NOT NULL THEN 'release'
                    WHEN emergency() AND r.student IS NOT NULL AND in_emergency(r.type, r.labels)
                         AND glass_broken(r.shard) THEN 'emergency' END AS basis,
               o.consent, o.consent_version
        FROM unnest(p_requests, p_interactions, p_shards, p_ids, p_versions) AS k(request, interaction, shard, id, version)
        JOIN resource r ON r.shard = k.shard AND r.id = k.id AND r.version = k.version
        LEFT JOIN access a ON r.current AND a.shard = r.shard AND a.org = caller() AND a.id = r.id
            AND a.since <= moment() AND moment() < a.until AND (a.purposes IS NULL OR a.purposes && purposes())
            AND (v_agreed IS NULL OR r.custodian = ANY (v_agreed))
        CROSS JOIN LATERAL (
            SELECT p.party, CASE WHEN p.asked THEN coalesce(a.consent, opened(
                r.shard, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
                r.clinical)) END AS consent
            FROM (SELECT p.party, NOT p.party AND NOT r.directory AND r.student IS NOT NULL AS asked
                  FROM (SELECT r.parties && above() AS party OFFSET 0) p) p OFFSET 0) c  -- else each mention judges
        LEFT JOIN release e ON a.consent IS NULL AND e.shard = r.shard AND e.consent = c.consent
        CROSS JOIN LATERAL (
            SELECT c.party, c.consent, CASE WHEN c.consent IS NOT NULL THEN coalesce(a.version, e.version) END
                   AS consent_version) o
    ), reasoned AS (
        SELECT j.*, CASE WHEN j.basis = 'emergency' THEN (
                   SELECT e.reason FROM emergency e
                   WHERE e.shard = j.shard AND e.organization = j.recipient AND e.opens <= moment() AND moment() < e.closes
                   ORDER BY e.opens DESC LIMIT 1) END AS reason
        FROM judged j WHERE j.basis IS NOT NULL
    ), linked AS MATERIALIZED (
        SELECT j.*, CASE WHEN j.student IS NOT NULL THEN coalesce(c.n, 0) + row_number() OVER w END AS n,
               CASE WHEN j.student IS NOT NULL THEN linked(c.link, entry_hash(
                   j.shard, j.at, j.request, j.id, j.version, j.type, j.interaction, j.student, j.custodian, j.recipient,
                   j.client, j.agent, j.purposes, j.basis, j.consent, j.consent_version, j.reason)) OVER w END AS link
        FROM reasoned j LEFT JOIN chain c ON c.shard = j.shard
        WINDOW w AS (PARTITION BY j.shard ORDER BY j.request, j.id, j.version ROWS UNBOUNDED PRECEDING)
    ), ends AS (
        INSERT INTO chain SELECT DISTINCT ON (l.shard) l.shard, l.n, l.link FROM linked l WHERE l.student IS NOT NULL
            ORDER BY l.shard, l.n DESC
            ON CONFLICT (shard) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link
    ), entered AS (
        INSERT INTO disclosure (shard, at, request, id, version, type, interaction, student, custodian, recipient, client,
                                agent, purposes, basis, consent, consent_version, reason, n, link)
        SELECT l.shard, l.at, l.request, l.id, l.version, l.type, l.interaction, l.student, l.custodian, l.recipient,
               l.client, l.agent, l.purposes, l.basis, l.consent, l.consent_version, l.reason, l.n, l.link
        FROM linked l RETURNING 1
    )
    SELECT count(*) INTO v_count FROM entered;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION hallpass.disclose IS
    'Judges each version once more, for the caller of this transaction, and enters on the ledger those that it may see.
     One request and interaction may stand for all. Takes the locks of the shards in `p_hold`, given in order, and of
     their chains; those of others the caller of this function holds. Answers how many entries; -1 when the caller no
     longer stands; -2, and nothing done, when a write goes on in a shard of `p_hold`: then wait for it first.';
REVOKE EXECUTE ON FUNCTION hallpass.disclose FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hallpass.disclose TO hallpass_app;

CREATE FUNCTION hallpass.try_hold_named(p_types text[], p_ids uuid[]) RETURNS boolean[]
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT try_hold(array_agg((SELECT r.shard FROM resource r WHERE r.id = k.id AND r.type = k.type AND NOT r.directory
                               LIMIT 1) ORDER BY k.n))
    FROM unnest(p_types, p_ids) WITH ORDINALITY AS k(type, id, n)
$$;
COMMENT ON FUNCTION hallpass.try_hold_named IS
    'As `try_hold`, of the shards that these resources are in; which those are is not said. True where there is none.';
REVOKE EXECUTE ON FUNCTION hallpass.try_hold_named FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hallpass.try_hold_named TO hallpass_app;

CREATE OR REPLACE FUNCTION hallpass.read(
    p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[],
    p_ids uuid[], p_versions integer[]
) RETURNS TABLE (
    ask bigint, state text, own boolean, shard uuid, id uuid, version integer, type text, custodian uuid, student uuid,
    directory boolean, current boolean, deleted boolean, updated timestamptz, method text, body bytea, label_at integer,
    digest bytea
) LANGUAGE plpgsql SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_held   boolean[] := try_hold_named(p_types, p_ids);
    v_caller jsonb;
    v_number integer;
    v_below  uuid[];
    v_asks   bigint[];
    v_rows   resource[];
    v_go     leaving[] := '{}';
    v_part   record;
BEGIN
    RETURN QUERY SELECT h.n, 'held', NULL::boolean, NULL::uuid, NULL::uuid, NULL::integer, NULL::text, NULL::uuid,
        NULL::uuid, NULL::boolean, NULL::boolean, NULL::boolean, NULL::timestamptz, NULL::text, NULL::bytea,
        NULL::integer, NULL::bytea
        FROM unnest(v_held) WITH ORDINALITY AS h(held, n) WHERE NOT h.held;
    FOR v_caller, v_number IN SELECT c.value, c.ordinality FROM jsonb_array_elements(p_callers) WITH ORDINALITY c LOOP
        v_below := enter_told(v_caller, p_agreement);
        IF v_below IS NULL THEN
            RETURN QUERY SELECT k.n, 'out', NULL::boolean, NULL::uuid, NULL::uuid, NULL::integer, NULL::text, NULL::uuid,
                NULL::uuid, NULL::boolean, NULL::boolean, NULL::boolean, NULL::timestamptz, NULL::text, NULL::bytea,
                NULL::integer, NULL::bytea
                FROM unnest(p_caller) WITH ORDINALITY AS k(caller, n) WHERE k.caller = v_number AND v_held[k.n];
            CONTINUE;
        END IF;
        SELECT array_agg(k.n), array_agg(r) INTO v_asks, v_rows
            FROM unnest(p_caller, p_types, p_ids, p_versions) WITH ORDINALITY AS k(caller, type, id, version, n)
            CROSS JOIN LATERAL (
                SELECT s FROM resource s WHERE s.id = k.id AND s.type = k.type
                    AND CASE WHEN k.version IS NULL THEN s.current ELSE s.version = k.version END) AS x(r)
            WHERE k.caller = v_number AND v_held[k.n];
        v_go := v_go || ARRAY(
            SELECT (v_number, v_asks[r.ordinality], r.shard, r.id, r.version, r.student)::leaving
            FROM unnest(v_rows) WITH ORDINALITY AS r WHERE NOT r.deleted AND NOT r.custodian = ANY (v_below));
        RETURN QUERY SELECT v_asks[r.ordinality], 'seen', r.custodian = ANY (v_below), r.shard, r.id, r.version, r.type,
            r.custodian, r.student, r.directory, r.current, r.deleted, r.updated, r.method, r.body, r.label_at, r.digest
            FROM unnest(v_rows) WITH ORDINALITY AS r;
    END LOOP;
    -- The chains of all callers' students in one order, whoever asks for which: else two statements could wait for
    -- each other.
    PERFORM hold_chains(ARRAY(SELECT DISTINCT g.student FROM unnest(v_go) g WHERE g.student IS NOT NULL
                              ORDER BY g.student));
    FOR v_part IN
        SELECT g.caller, array_agg(p_requests[g.ask]) AS requests, array_agg(p_interactions[g.ask]) AS interactions,
               array_agg(g.shard) AS shards, array_agg(g.id) AS ids, array_agg(g.version) AS versions
        FROM unnest(v_go) g GROUP BY g.caller
    LOOP
        v_caller := p_callers -> (v_part.caller - 1);
        IF v_part.caller <> v_number THEN
            PERFORM enter_told(v_caller, p_agreement);
            v_number := v_part.caller;
        END IF;
        IF disclose(nullif(v_caller->'agent', 'null'), ARRAY(SELECT jsonb_array_elements_text(v_caller->'purposes')),
                    v_part.requests, v_part.interactions, v_part.shards, v_part.ids, v_part.versions, '{}')
           <> cardinality(v_part.requests) THEN
            RAISE EXCEPTION 'what was seen is no longer visible' USING ERRCODE = '40001';
        END IF;
    END LOOP;
END $$;
-- Fewer round trips: what a write always does together is one call ----------------------------------------------------------

DROP FUNCTION hallpass.hold;
CREATE FUNCTION hallpass.hold(p_shards uuid[], p_exclusive boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_shard uuid;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(0);  -- organizations, agreements, clients and tokens stand still meanwhile
    FOR v_shard IN SELECT DISTINCT s FROM unnest(p_shards) s ORDER BY s LOOP
        IF p_exclusive THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(v_shard::text, 0));
        ELSE
            PERFORM pg_advisory_xact_lock_shared(hashtextextended(v_shard::text, 0));
        END IF;
    END LOOP;
    RETURN hallpass.instant();
END $$;
COMMENT ON FUNCTION hallpass.hold IS
    'Takes the shards'' locks in one order: exclusive to write, shared to disclose, so that a disclosure and the
     write that ends its release have an order. Answers the time after the wait: what is written has no earlier one.';

CREATE FUNCTION hallpass.lock_current(p_shard uuid, p_type text, p_id uuid) RETURNS SETOF hallpass.resource
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hallpass.hold(ARRAY[p_shard], true);
    RETURN QUERY SELECT * FROM hallpass.resource r WHERE r.id = p_id AND r.type = p_type AND r.current;
END $$;
COMMENT ON FUNCTION hallpass.lock_current IS 'The current version, if the caller sees it, as it is under the lock to write.';

CREATE FUNCTION hallpass.put(p_row hallpass.resource, p_terms jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_row.version > 1 THEN
        UPDATE hallpass.resource r SET current = false WHERE r.shard = p_row.shard AND r.id = p_row.id AND r.current;
    END IF;
    INSERT INTO hallpass.resource SELECT p_row.*;
    IF NOT p_row.directory THEN
        PERFORM hallpass.index_resource(p_row.shard, p_row.id);
    END IF;
    PERFORM hallpass.put_terms(p_row.shard, p_row.id, p_row.type, p_terms);
END $$;
COMMENT ON FUNCTION hallpass.put IS
    'Stores a version as the current one, and brings both indexes up to date with it. An invoker''s function: the wall
     judges what it writes.';

DROP FUNCTION hallpass.shards_of;
DROP FUNCTION hallpass.release_version;

-- What is there already ----------------------------------------------------------------------------------------------------

SELECT hallpass.index_released(e.shard) FROM (SELECT DISTINCT shard FROM hallpass.release) e;
