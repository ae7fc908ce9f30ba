-- The ledger in partitions by time, its entries chained by student; reads of many callers in one statement; the trail
-- of what was refused, of logins and of commands.

CREATE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;
COMMENT ON FUNCTION hallpass.instant() IS 'The wall clock, by which the ledger dates its entries.';

-- The ledger -----------------------------------------------------------------------------------------------------------

ALTER TABLE hallpass.disclosure RENAME TO disclosure_before;
DROP INDEX hallpass.disclosure_recipient;
DROP INDEX hallpass.disclosure_consent;

CREATE TABLE hallpass.disclosure (
    shard           uuid NOT NULL,
    at              timestamptz NOT NULL,
    request         uuid NOT NULL,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    type            text NOT NULL,
    interaction     text NOT NULL,
    student         uuid,
    custodian       uuid NOT NULL,
    recipient       uuid NOT NULL,
    client          text NOT NULL,
    agent           jsonb,                   -- the person or program behind the client, as its assertion said
    purposes        text[] NOT NULL,
    basis           text NOT NULL CHECK (basis IN ('release', 'party', 'directory', 'emergency')),
    consent         uuid,
    consent_version integer,
    reason          text,
    n               bigint,                  -- the place in the student's chain, from 1; NULL outside a compartment
    link            bytea,                   -- of the hash of this entry and the link before
    PRIMARY KEY (shard, at, request, id, version),
    CHECK ((basis = 'release') = (consent IS NOT NULL AND consent_version IS NOT NULL)),
    CHECK ((n IS NULL) = (student IS NULL) AND (link IS NULL) = (n IS NULL))
) PARTITION BY RANGE (at);
CREATE TABLE hallpass.disclosure_other PARTITION OF hallpass.disclosure DEFAULT;
CREATE INDEX disclosure_recipient ON hallpass.disclosure (custodian, recipient, at);
CREATE INDEX disclosure_custodian ON hallpass.disclosure (custodian, at);
CREATE INDEX disclosure_consent ON hallpass.disclosure (consent, at) WHERE consent IS NOT NULL;
COMMENT ON TABLE hallpass.disclosure IS
    'The ledger: a row for each resource version that an organization other than its custodian was given.';

CREATE TABLE hallpass.chain (
    shard uuid PRIMARY KEY,                  -- the student
    n     bigint NOT NULL,                   -- of the last entry
    link  bytea NOT NULL
);
COMMENT ON TABLE hallpass.chain IS 'Where each student''s chain of entries ends, so that one taken off the end is missed.';

CREATE TABLE hallpass.chain_start (
    shard uuid PRIMARY KEY,
    n     bigint NOT NULL,                   -- of the last entry that was dropped
    link  bytea NOT NULL
);
COMMENT ON TABLE hallpass.chain_start IS
    'Where the kept part of a student''s chain goes on from, once a part is past retention.';

CREATE TABLE hallpass.ledger_drop (
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    partition text NOT NULL PRIMARY KEY,
    since     timestamptz NOT NULL,
    until     timestamptz NOT NULL,
    entries   bigint NOT NULL,
    students  bigint NOT NULL
);
COMMENT ON TABLE hallpass.ledger_drop IS 'What was dropped from the ledger because it was past retention.';

CREATE FUNCTION hallpass.entry_hash(
    shard uuid, at timestamptz, request uuid, id uuid, version integer, type text, interaction text, student uuid,
    custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid,
    consent_version integer, reason text
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(shard, extract(epoch FROM at), request, id, version, type, interaction,
        student, custodian, recipient, client, agent, purposes, basis, consent, consent_version, reason)::text, 'UTF8'))
$$;
CREATE FUNCTION hallpass.next_link(link bytea, head bytea, own bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT sha256(coalesce(link, head, ''::bytea) || own) $$;
CREATE AGGREGATE hallpass.linked(head bytea, own bytea) (sfunc = hallpass.next_link, stype = bytea);
COMMENT ON AGGREGATE hallpass.linked(bytea, bytea) IS
    'The link after `head` and the hashes so far: each is the hash of the one before and its own entry''s.';

CREATE FUNCTION hallpass.partition_ledger(p_from date, p_until date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_start date := date_trunc('quarter', p_from);
    v_made  integer := 0;
    v_name  text;
BEGIN
    WHILE v_start < p_until LOOP
        v_name := format('disclosure_%sq%s', extract(year FROM v_start), extract(quarter FROM v_start));
        IF to_regclass('hallpass.' || v_name) IS NULL
           AND NOT EXISTS (SELECT 1 FROM disclosure_other d WHERE d.at >= (v_start::timestamp AT TIME ZONE 'UTC')
                           AND d.at < ((v_start + interval '3 months') AT TIME ZONE 'UTC')) THEN
            EXECUTE format('CREATE TABLE hallpass.%I PARTITION OF hallpass.disclosure FOR VALUES FROM (%L) TO (%L)',
                           v_name, v_start::timestamp AT TIME ZONE 'UTC',
                           (v_start + interval '3 months') AT TIME ZONE 'UTC');
            v_made := v_made + 1;
        END IF;
        v_start := v_start + interval '3 months';
    END LOOP;
    RETURN v_made;
END $$;
COMMENT ON FUNCTION hallpass.partition_ledger IS
    'Makes the partitions of the ledger, a quarter of a year each in UTC, that cover a span and are not there yet.';
REVOKE EXECUTE ON FUNCTION hallpass.partition_ledger FROM PUBLIC;

CREATE FUNCTION hallpass.drop_ledger(p_before timestamptz)
    RETURNS TABLE (partition text, since timestamptz, until timestamptz, entries bigint, students bigint)
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_part  text;
    v_since timestamptz;
    v_until timestamptz;
BEGIN
    FOR v_part, v_since, v_until IN
        SELECT c.relname, b.bounds[1]::timestamptz, b.bounds[2]::timestamptz
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''(.*)''\) TO \(''(.*)''\)') AS b(bounds)
        WHERE i.inhparent = 'hallpass.disclosure'::regclass AND b.bounds IS NOT NULL
        ORDER BY 2
    LOOP
        CONTINUE WHEN v_until > p_before;
        EXECUTE format('INSERT INTO ledger_drop (partition, since, until, entries, students)
                        SELECT %L, %L, %L, count(*), count(DISTINCT student) FROM %I', v_part, v_since, v_until, v_part);
        EXECUTE format('INSERT INTO chain_start SELECT DISTINCT ON (shard) shard, n, link FROM %I WHERE n IS NOT NULL
                            ORDER BY shard, n DESC
                        ON CONFLICT (shard) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link', v_part);
        EXECUTE format('DROP TABLE %I', v_part);
        RETURN QUERY SELECT d.partition, d.since, d.until, d.entries, d.students FROM ledger_drop d
            WHERE d.partition = v_part;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.drop_ledger IS
    'Drops the partitions of the ledger that end before a moment, and records each.';
REVOKE EXECUTE ON FUNCTION hallpass.drop_ledger FROM PUBLIC;

-- What the caller is, for the ledger; and whether it still stands --------------------------------------------------------

CREATE FUNCTION hallpass.stands(p_client text, p_token text, p_organization uuid, p_emergency boolean) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM client c WHERE c.id = p_client AND c.organization = p_organization
                   AND c.disabled IS NULL AND (NOT p_emergency OR c.emergency))
       AND NOT EXISTS (SELECT 1 FROM revoked_token t WHERE t.jti = p_token)
$$;

CREATE OR REPLACE FUNCTION hallpass.enter(
    p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean
) RETURNS TABLE (standing boolean, at timestamptz, above uuid[], below uuid[], zone text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[];
    v_below uuid[];
    v_zone  text;
BEGIN
    IF NOT stands(p_client, p_token, p_organization, p_emergency) THEN
        PERFORM set_config('hallpass.organization', '', true), set_config('hallpass.above', '', true),
                set_config('hallpass.below', '', true);
        RETURN QUERY SELECT false, moment(), '{}'::uuid[], '{}'::uuid[], ''::text;
        RETURN;
    END IF;
    SELECT o.above, o.zone INTO v_above, v_zone FROM organization o WHERE o.id = p_organization;
    SELECT array_agg(o.id ORDER BY o.id) INTO v_below FROM organization o WHERE o.above @> ARRAY[p_organization];
    PERFORM set_config('hallpass.organization', p_organization::text, true),
            set_config('hallpass.above', v_above::text, true),
            set_config('hallpass.below', v_below::text, true),
            set_config('hallpass.purposes', p_purposes::text, true),
            set_config('hallpass.agreement_required', p_agreement::text, true),
            set_config('hallpass.emergency', p_emergency::text, true),
            set_config('hallpass.client', p_client, true),
            set_config('hallpass.token', p_token, true);
    RETURN QUERY SELECT true, moment(), v_above, v_below, v_zone;
END $$;

-- The rule again, in a form that PostgreSQL unfolds into one statement: it is asked of every row that is seen ---------------

CREATE OR REPLACE FUNCTION hallpass.birthday(born date, age integer, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- Of a midnight that the clock shows twice PostgreSQL takes the second; an hour after 23:00 is the first.
    SELECT least((born + make_interval(years => age))::timestamp AT TIME ZONE zone,
                 ((born + make_interval(years => age))::timestamp - interval '1 hour') AT TIME ZONE zone
                     + interval '1 hour')
$$;

CREATE FUNCTION hallpass.effective(p_shard uuid, p_custodian uuid, p_above uuid[]) RETURNS SETOF hallpass.release
    LANGUAGE sql STABLE AS $$
    SELECT e.* FROM hallpass.release e
    JOIN hallpass.student s ON s.shard = e.shard JOIN hallpass.organization o ON o.id = e.custodian
    WHERE e.shard = p_shard AND e.custodian = p_custodian AND e.opens <= hallpass.moment() AND hallpass.moment() < e.closes
      AND CASE WHEN e.signer IS NULL THEN
          hallpass.birthday(s.born_to, e.age, o.zone) <= e.signed
      ELSE
          e.signed < hallpass.birthday(s.born_from, 18, o.zone)
          AND (o.honour OR hallpass.moment() < hallpass.birthday(s.born_from, 18, o.zone))
          AND EXISTS (SELECT 1 FROM hallpass.authority a
                      WHERE a.shard = e.shard AND a.id = e.signer AND a.opens <= e.signed AND hallpass.moment() < a.closes)
      END
      AND (NOT hallpass.agreement_required() OR EXISTS (
          SELECT 1 FROM hallpass.agreement g
          WHERE g.discloser = ANY (o.above) AND g.recipient = ANY (p_above) AND g.custodian = ANY (o.above)
            AND g.opens <= hallpass.moment() AND hallpass.moment() < g.closes))
$$;
COMMENT ON FUNCTION hallpass.effective IS
    'A custodian''s releases that have effect now: in their time, their signer with authority, under an agreement.';

CREATE OR REPLACE FUNCTION hallpass.in_force(e hallpass.release, recipient_above uuid[]) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM hallpass.effective(e.shard, e.custodian, recipient_above) f WHERE f.consent = e.consent)
$$;

CREATE FUNCTION hallpass.refers(p_shard uuid, p_from uuid[], p_custodian uuid, p_to uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM hallpass.resource f
        WHERE f.shard = p_shard AND f.id = ANY (p_from) AND f.current AND NOT f.deleted AND f.custodian = p_custodian
          AND p_to = ANY (f.refs))
$$;
COMMENT ON FUNCTION hallpass.refers IS 'Whether one of these resources, of this custodian, refers to another.';

CREATE FUNCTION hallpass.fits(
    p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[],
    r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT (p.permit AND r_type = 'Consent')  -- for its parties alone: it says who treats the student
       AND (p.classes IS NULL OR r_type = ANY (p.classes) OR r_profiles && p.classes)
       AND (p.codes IS NULL OR r_codes && p.codes)
       AND CASE
           WHEN p.permit THEN
               r_confidentiality <= coalesce(p.confidentiality, 3)
               AND array_remove(r_labels, '42CFRPart2') <@ coalesce(p.labels, '{}')
               AND (p.labels IS NULL OR p.confidentiality IS NOT NULL OR r_labels && p.labels)
               AND (NOT '42CFRPart2' = ANY (r_labels) OR part2)
               AND (NOT 'PSYTHPN' = ANY (r_labels) OR p.labels = '{PSYTHPN}')
           ELSE p.labels IS NULL OR r_confidentiality >= p.confidentiality OR r_labels && p.labels
           END
       AND CASE
           WHEN p.about IS NULL THEN true
           WHEN isempty(r_clinical) THEN p.classes IS NOT NULL
           WHEN p.permit THEN coalesce(r_clinical <@ p.about, false)
           ELSE coalesce(r_clinical && p.about, true)
           END
       AND (coalesce(p.instances, p.related, p.dependents, p.authored) IS NULL
            OR coalesce(r_id = ANY (p.instances), false)
            OR coalesce(r_id = ANY (p.related), false)
            OR coalesce(r_id = ANY (p.dependents), false)
            OR coalesce(r_refs && p.dependents, false)
            OR coalesce(r_authors && p.authored, false)
            OR is_related)
$$;
COMMENT ON FUNCTION hallpass.fits IS
    'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts. `is_related`:
     one that it names as related refers to it.';

CREATE OR REPLACE FUNCTION hallpass.covers(
    p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[],
    r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT hallpass.fits(p, part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs, r_authors,
                         r_clinical, p.related IS NOT NULL AND hallpass.refers(p.shard, p.related, focal_custodian, r_id))
$$;

CREATE OR REPLACE FUNCTION hallpass.opened(
    r_shard uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[],
    r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
) RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_above    uuid[] := above();
    v_purposes text[];
    v_now      timestamptz;
    v_consent  uuid;
    v_node     record;
    v_excepted integer[];
    v_permit   uuid;
BEGIN
    IF v_above = '{}' OR caller() IS NULL THEN
        RETURN NULL;
    END IF;
    v_purposes := purposes();
    v_now := moment();
    -- From the last node to the root, so that each exception has spoken before its parent does.
    FOR v_node IN
        SELECT e.consent, p.node, p.parent, p.permit
        FROM effective(r_shard, r_custodian, v_above) e
        JOIN provision p ON p.shard = e.shard AND p.consent = e.consent
        WHERE p.opens <= v_now AND v_now < p.closes
          AND (p.recipients IS NULL OR p.recipients && v_above)
          AND (p.purposes IS NULL OR p.purposes && v_purposes)
          AND fits(p, e.part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs, r_authors,
                   r_clinical, p.related IS NOT NULL AND refers(p.shard, p.related, e.custodian, r_id))
        ORDER BY e.consent, p.node DESC
    LOOP
        IF v_consent IS DISTINCT FROM v_node.consent THEN
            v_consent := v_node.consent;
            v_excepted := '{}';
        END IF;
        IF v_node.node = 0 THEN
            IF v_node.permit = (0 = ANY (v_excepted)) THEN
                RETURN NULL;  -- a deny that applies beats any permit
            END IF;
            v_permit := coalesce(v_permit, v_node.consent);
        ELSIF NOT v_node.node = ANY (v_excepted) THEN
            v_excepted := v_excepted || v_node.parent;
        END IF;
    END LOOP;
    RETURN v_permit;
END $$;

-- Disclosing -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION hallpass.hold_chains(p_students uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_student uuid;
BEGIN
    FOREACH v_student IN ARRAY p_students LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(v_student::text, 1));
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.hold_chains IS
    'Takes the locks of the students'' chains, given in order, so that each goes on from where the one before ended.';

CREATE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_shards uuid[], p_ids uuid[],
    p_versions integer[], p_students uuid[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_at    timestamptz;
    v_count integer;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);  -- what is answered is durable, however the server is set
    END IF;
    PERFORM hold_chains(p_students);
    IF caller() IS NULL OR NOT stands(current_setting('hallpass.client'), current_setting('hallpass.token'), caller(),
                                      emergency()) THEN
        RETURN -1;
    END IF;
    v_at := instant();
    -- Two entries of a Bundle may be about one version, and the clock need not have gone on between them.
    WHILE EXISTS (SELECT 1 FROM unnest(p_shards, p_requests) AS k(shard, request)
                  JOIN disclosure d ON d.shard = k.shard AND d.request = k.request WHERE d.at = v_at) LOOP
        v_at := v_at + interval '1 microsecond';
    END LOOP;
    WITH judged AS MATERIALIZED (
        SELECT r.shard, v_at AS at, k.request, r.id, r.version, r.type, k.interaction, r.student, r.custodian,
               caller() AS recipient, current_setting('hallpass.client') AS client, p_agent AS agent,
               p_purposes AS purposes,
               CASE WHEN o.party THEN 'party' WHEN r.directory THEN 'directory' WHEN o.consent IS NOT NULL THEN 'release'
                    WHEN emergency() AND r.student IS NOT NULL AND in_emergency(r.type, r.labels)
                         AND glass_broken(r.shard) THEN 'emergency' END AS basis,
               o.consent, e.version AS consent_version
        FROM unnest(p_requests, p_interactions, p_shards, p_ids, p_versions) AS k(request, interaction, shard, id, version)
        JOIN resource r ON r.shard = k.shard AND r.id = k.id AND r.version = k.version
        CROSS JOIN LATERAL (
            SELECT p.party, CASE WHEN NOT p.party AND NOT r.directory AND r.student IS NOT NULL THEN opened(
                r.shard, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
                r.clinical) END AS consent
            FROM (SELECT r.parties && above() AS party OFFSET 0) p OFFSET 0) o  -- else each mention of it is a judgement
        LEFT JOIN release e ON e.shard = r.shard AND e.consent = o.consent
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
     Answers how many; -1 when the caller no longer stands. Called under the shards'' locks; the chains of the students
     are locked here, or by the caller already.';
REVOKE EXECUTE ON FUNCTION hallpass.disclose FROM PUBLIC;

CREATE FUNCTION hallpass.shards_of(p_types text[], p_ids uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT array_agg((SELECT r.shard FROM resource r WHERE r.id = k.id AND r.type = k.type AND NOT r.directory LIMIT 1)
                     ORDER BY k.n)
    FROM unnest(p_types, p_ids) WITH ORDINALITY AS k(type, id, n)
$$;
REVOKE EXECUTE ON FUNCTION hallpass.shards_of FROM PUBLIC;

CREATE OR REPLACE FUNCTION hallpass.hold(p_shards uuid[], p_exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

CREATE FUNCTION hallpass.stand_still() RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(0) $$;
COMMENT ON FUNCTION hallpass.stand_still IS
    'Gives a change of an agreement, a client, a token or the tree of organizations an order with every disclosure: it
     waits for those in flight, and those that come wait for its commit.';

CREATE FUNCTION hallpass.try_hold(p_shards uuid[]) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    v_held  boolean[] := '{}';
    v_still boolean := pg_try_advisory_xact_lock_shared(0);
    v_shard uuid;
BEGIN
    FOREACH v_shard IN ARRAY p_shards LOOP
        v_held := v_held || (v_still AND (v_shard IS NULL OR pg_try_advisory_xact_lock_shared(
            hashtextextended(v_shard::text, 0))));
    END LOOP;
    RETURN v_held;
END $$;
COMMENT ON FUNCTION hallpass.try_hold IS
    'Takes the shards'' locks as `hold` does, shared, without waiting: false where a write holds one.';

CREATE TYPE hallpass.leaving AS (
    caller integer, ask bigint, shard uuid, id uuid, version integer, student uuid
);

CREATE FUNCTION hallpass.enter_told(p_caller jsonb, p_agreement boolean) RETURNS uuid[] LANGUAGE sql VOLATILE AS $$
    SELECT e.below FROM hallpass.enter(
        p_caller->>'client', p_caller->>'token', (p_caller->>'organization')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(p_caller->'widened')), (p_caller->>'emergency')::boolean, p_agreement) e
    WHERE e.standing
$$;
COMMENT ON FUNCTION hallpass.enter_told IS 'Enters a caller of `read`; the organizations below its own, NULL: it does not stand.';

CREATE FUNCTION hallpass.read(
    p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[],
    p_ids uuid[], p_versions integer[]
) RETURNS TABLE (
    ask bigint, state text, own boolean, shard uuid, id uuid, version integer, type text, custodian uuid, student uuid,
    directory boolean, current boolean, deleted boolean, updated timestamptz, method text, body bytea, label_at integer,
    digest bytea
) LANGUAGE plpgsql SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_held   boolean[] := try_hold(shards_of(p_types, p_ids));
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
COMMENT ON FUNCTION hallpass.read IS
    'The reads of several callers, judged, entered on the ledger and answered in one statement, so that they share one
     commit. An ask without a row: nothing is there that its caller sees. State held: a write is going on, ask alone.
     State out: the caller does not stand.';

-- What is not a disclosure: refusals, logins, commands -------------------------------------------------------------------

CREATE TABLE hallpass.event (
    minute       timestamptz NOT NULL,       -- alike events of a minute are one row
    id           uuid NOT NULL DEFAULT gen_random_uuid(),
    kind         text NOT NULL CHECK (kind IN ('login', 'token', 'scope', 'emergency', 'command')),
    organization uuid NOT NULL,              -- that the event concerns: the client's
    client       text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('0', '4', '8')),
    detail       text NOT NULL,              -- a code or scope of ours; never a value of a record
    first        timestamptz NOT NULL,
    last         timestamptz NOT NULL,
    times        bigint NOT NULL,
    PRIMARY KEY (organization, minute, kind, client, outcome, detail)
);
CREATE UNIQUE INDEX event_id ON hallpass.event (id);
CREATE INDEX event_first ON hallpass.event (organization, first);

CREATE FUNCTION hallpass.note(p_kind text, p_client text, p_outcome text, p_detail text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), p_kind, c.organization, c.id, p_outcome, p_detail, instant(), instant(), 1
    FROM client c WHERE c.id = p_client
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;
COMMENT ON FUNCTION hallpass.note IS
    'Notes an event of a registered client for its organization; nothing where there is no such client.';
REVOKE EXECUTE ON FUNCTION hallpass.note FROM PUBLIC;

CREATE FUNCTION hallpass.note_command(p_organization uuid, p_detail text) RETURNS void
    LANGUAGE sql SET search_path = hallpass, pg_temp AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), 'command', p_organization, 'operator', '0', p_detail, instant(), instant(), 1
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;
REVOKE EXECUTE ON FUNCTION hallpass.note_command FROM PUBLIC;

-- What there was before goes on the new ledger, oldest first -------------------------------------------------------------

SELECT hallpass.partition_ledger(coalesce((SELECT min(at) FROM hallpass.disclosure_before), now())::date,
                                 (now() + interval '2 years')::date);
WITH linked AS MATERIALIZED (
    SELECT d.*, CASE WHEN d.student IS NOT NULL THEN row_number() OVER w END AS n,
           CASE WHEN d.student IS NOT NULL THEN hallpass.linked(NULL, hallpass.entry_hash(
               d.shard, d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian, d.recipient,
               d.client, NULL, d.purposes, d.basis, d.consent, d.consent_version, d.reason)) OVER w END AS link
    FROM hallpass.disclosure_before d
    WINDOW w AS (PARTITION BY d.shard ORDER BY d.at, d.entry ROWS UNBOUNDED PRECEDING)
), ends AS (
    INSERT INTO hallpass.chain SELECT DISTINCT ON (shard) shard, n, link FROM linked WHERE student IS NOT NULL
        ORDER BY shard, n DESC
)
INSERT INTO hallpass.disclosure
SELECT shard, at, request, id, version, type, interaction, student, custodian, recipient, client, NULL, purposes, basis,
       consent, consent_version, reason, n, link FROM linked;
DROP TABLE hallpass.disclosure_before;

-- Who may ------------------------------------------------------------------------------------------------------------------

ALTER TABLE hallpass.disclosure ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.disclosure FOR SELECT USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
ALTER TABLE hallpass.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY concerned ON hallpass.event FOR SELECT USING (organization = ANY ((SELECT hallpass.below())::uuid[]));
GRANT SELECT ON hallpass.disclosure, hallpass.event TO hallpass_app;
GRANT EXECUTE ON FUNCTION hallpass.disclose, hallpass.shards_of, hallpass.note TO hallpass_app;
