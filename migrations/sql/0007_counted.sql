-- What the access index settles is counted by it alone; terms know the directory by its types; a disclosure that has to wait
-- holds no lock that comes later, and looks for an entry of the same microsecond only where there was one.

-- For a time 0006 brought some of this itself: what it made is made anew, as it is where it did not.

DROP VIEW IF EXISTS hallpass.open_access CASCADE;  -- with the policy on resource, which asks it
ALTER TABLE hallpass.access DROP COLUMN IF EXISTS custodian;

ALTER TABLE hallpass.access ADD COLUMN custodian uuid;
UPDATE hallpass.access a SET custodian = r.custodian FROM hallpass.resource r WHERE r.id = a.id AND r.current;
ALTER TABLE hallpass.access ALTER COLUMN custodian SET NOT NULL;

CREATE VIEW hallpass.open_access WITH (security_invoker = true) AS
    SELECT a.shard, a.org, a.id, a.type, a.updated, a.custodian,
           a.custodian = ANY ((SELECT hallpass.below())::uuid[])
           OR coalesce(a.since <= hallpass.moment() AND hallpass.moment() < a.until
                       AND (a.purposes IS NULL OR a.purposes && (SELECT hallpass.purposes())::text[])
                       AND (NOT (SELECT hallpass.agreement_required())
                            OR a.custodian = ANY ((SELECT hallpass.agreed())::uuid[])), false) AS settled
    FROM hallpass.access a WHERE a.opens <= hallpass.moment() AND hallpass.moment() < a.closes;
COMMENT ON VIEW hallpass.open_access IS
    'What the caller might see now, and whether that it does is settled by the index alone: in its custody, or opened by
     the one release that bears on it.';
GRANT SELECT ON hallpass.open_access TO hallpass_app;

CREATE OR REPLACE FUNCTION hallpass.candidates(p_shard uuid, p_ids uuid[], p_orgs uuid[]) RETURNS SETOF hallpass.access
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
           g.consent, g.version, g.purposes, g.since, g.until, r.custodian
    FROM opening o JOIN r ON r.id = o.id
    LEFT JOIN alone ON alone.org = o.org AND alone.id = o.id LEFT JOIN signed g ON g.consent = alone.consent
    WHERE p_orgs IS NULL OR o.org = ANY (p_orgs)
    GROUP BY o.org, r.id, r.type, r.updated, r.custodian, g.consent, g.version, g.purposes, g.since, g.until
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
    INSERT INTO access (shard, org, id, type, updated, opens, closes, custodian)
        SELECT r.shard, p_id, r.id, r.type, r.updated, '-infinity', 'infinity', r.custodian FROM resource r
        WHERE r.parties && v_above AND r.current AND NOT r.deleted AND r.parties <> '{}';
    FOR v_shard IN SELECT DISTINCT e.shard FROM release e WHERE e.recipients && v_above ORDER BY 1 LOOP
        PERFORM index_student(v_shard, ARRAY[p_id]);
    END LOOP;
END $$;

-- Who sees what: the same rule, by the same view ---------------------------------------------------------------------------

DROP POLICY IF EXISTS see ON hallpass.resource;
CREATE POLICY see ON hallpass.resource FOR SELECT USING (
    custodian = ANY ((SELECT hallpass.below())::uuid[])
    OR (directory AND (SELECT hallpass.caller()) IS NOT NULL)
    OR parties && (SELECT hallpass.above())::uuid[]
    OR (student IS NOT NULL AND current AND EXISTS (
            SELECT 1 FROM hallpass.open_access a
            WHERE a.shard = resource.shard AND a.org = (SELECT hallpass.caller()) AND a.id = resource.id AND a.settled))
    OR (student IS NOT NULL AND hallpass.opened(
        shard, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical) IS NOT NULL)
    OR (student IS NOT NULL AND (SELECT hallpass.emergency()) AND hallpass.in_emergency(type, labels)
        AND hallpass.glass_broken(shard)));

-- A term is seen by whom the access index opens its resource to, or the directory, to which whole types belong.

CREATE OR REPLACE FUNCTION hallpass.in_directory(type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT type IN ('HealthcareService', 'Location', 'Organization', 'OrganizationAffiliation', 'Practitioner',
                    'PractitionerRole')
$$;
COMMENT ON FUNCTION hallpass.in_directory IS 'Whether resources of a type are of the directory, which every member sees.';
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['term_token', 'term_string', 'term_reference', 'term_date', 'term_quantity', 'term_uri']
    LOOP
        EXECUTE format('DROP POLICY see ON hallpass.%I', v_table);
        EXECUTE format(
            'CREATE POLICY see ON hallpass.%1$I FOR SELECT USING (
                EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = %1$I.shard
                        AND a.org = (SELECT hallpass.caller()) AND a.id = %1$I.id)
                OR (hallpass.in_directory(type) AND (SELECT hallpass.caller()) IS NOT NULL))', v_table);
    END LOOP;
END $$;

-- What is named, if the caller sees it: planned once, since how many are named changes nothing -------------------------------

CREATE OR REPLACE FUNCTION hallpass.seen(p_ids uuid[]) RETURNS TABLE (type text, id uuid, student uuid)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT r.type, r.id, r.student FROM hallpass.resource r
        WHERE r.id = ANY (p_ids) AND r.current AND NOT r.deleted;
END $$;
COMMENT ON FUNCTION hallpass.seen IS
    'Of these, the current resources that the caller sees. An invoker''s function: the wall judges.';

-- Disclosing -------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_shards uuid[], p_ids uuid[],
    p_versions integer[], p_hold uuid[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_shard  uuid;
    v_agreed uuid[];
    v_at     timestamptz;
    v_count  integer;
    c_tries  CONSTANT integer := 100;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(0) THEN
        RETURN -2;
    END IF;
    FOREACH v_shard IN ARRAY p_hold LOOP
        -- What comes later in the order is not taken: who waits for one lock must hold none that comes after it.
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(v_shard::text, 0)) THEN
            RETURN -2;
        END IF;
    END LOOP;
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
    FOR v_try IN 1..c_tries LOOP
    BEGIN
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
     One request and interaction may stand for all. Takes the locks of the shards in `p_hold`, given in order, and of
     their chains; those of others the caller of this function holds. Answers how many entries; -1 when the caller no
     longer stands; -2, and nothing entered, when a write goes on in a shard of `p_hold`: then wait for it first.';
