-- Generated from schema/ by `make schema`. Change the files there.

CREATE SCHEMA hallpass;

CREATE TYPE hallpass.job_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

COMMENT ON TYPE hallpass.job_status IS 'pgqueuer''s states of a job.';

CREATE TYPE hallpass.resource_version AS (
	compartment uuid,
	id uuid,
	version integer,
	type text,
	custodian uuid,
	student uuid,
	directory boolean,
	current boolean,
	deleted boolean,
	updated timestamp with time zone,
	method text,
	body bytea,
	label_at integer,
	digest bytea,
	profiles text[],
	codes text[],
	confidentiality smallint,
	labels text[],
	parties uuid[],
	refs uuid[],
	authors uuid[],
	clinical tstzrange
);

CREATE FUNCTION hallpass.accept_transfer(p_id uuid, p_agent jsonb, p_purposes text[], p_request uuid) RETURNS TABLE(type text, id uuid, body bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    v_caller   uuid := caller();
    v_client   text := current_setting('hallpass.client', true);
    v_transfer transfer;
    v_ids      uuid[];
    v_key      bigint;
    v_chain    smallint;
    v_before   chain_end;
    v_at       timestamptz;
    v_link     bytea;
    v_entered  integer;
BEGIN
    SELECT t.* INTO v_transfer FROM transfer t
        WHERE t.id = p_id AND t.recipient = v_caller AND t.accepted IS NULL AND statement_time() < t.closes FOR UPDATE;
    IF v_transfer.id IS NULL OR v_caller IS NULL THEN
        RETURN;
    END IF;
    FOREACH v_key IN ARRAY disclosure_keys(ARRAY[v_transfer.compartment], ARRAY[v_transfer.custodian]) LOOP
        PERFORM pg_advisory_xact_lock_shared(v_key);
    END LOOP;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF NOT client_is_active(v_client, current_setting('hallpass.token'), v_caller, emergency()) THEN
        RETURN;
    END IF;
    SELECT array_agg(t.id) INTO v_ids FROM transferable(v_transfer.compartment, v_transfer.custodian) t;
    IF NOT v_transfer.compartment = ANY (v_ids) THEN
        RETURN;  -- the student's own record is gone, or is kept back
    END IF;
    v_chain := lock_chain();
    SELECT * INTO v_before FROM chain_end c WHERE c.chain = v_chain;
    v_at := instant();
    WITH leaving AS MATERIALIZED (
        SELECT r.compartment, r.id, r.version, r.type, r.student, r.custodian FROM resource r
        WHERE r.compartment = v_transfer.compartment AND r.current
          AND (r.id = ANY (v_ids) OR r.type = 'Consent' AND r.custodian = v_transfer.custodian
               AND r.id IN (SELECT (w->>'consent')::uuid FROM jsonb_array_elements(v_transfer.waiting) w))
    ), inserted AS (
        INSERT INTO disclosure (compartment, at, request, id, version, type, interaction, student, custodian, recipient, client,
                                agent, purposes, basis, reason, chain, batch)
        SELECT l.compartment, v_at, p_request, l.id, l.version, l.type, 'transfer', l.student, l.custodian, v_caller, v_client,
               p_agent, p_purposes, 'transfer', v_transfer.notice, v_chain, coalesce(v_before.n, 0) + 1
        FROM leaving l
    )
    SELECT count(*), next_link(v_before.link, string_agg(entry_bytes(
               l.compartment, v_at, p_request, l.id, l.version, l.type, 'transfer', l.student, l.custodian, v_caller, v_client,
               p_agent, p_purposes, 'transfer', NULL, NULL, v_transfer.notice, NULL, NULL), ''
               ORDER BY l.compartment, p_request, l.id, l.version))
        INTO v_entered, v_link FROM leaving l;
    INSERT INTO batch VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_at, v_entered, v_link);
    INSERT INTO chain_end VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_link)
        ON CONFLICT (chain) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link;
    UPDATE transfer t SET accepted = v_at WHERE t.id = p_id;
    RETURN QUERY SELECT r.type, r.id, r.body FROM resource r
        WHERE r.compartment = v_transfer.compartment AND r.current AND r.id = ANY (v_ids)
        ORDER BY r.type <> 'Patient', r.type, r.id;
END $$;

COMMENT ON FUNCTION hallpass.accept_transfer(p_id uuid, p_agent jsonb, p_purposes text[], p_request uuid) IS 'Takes up the transfer of a student to the caller: gives the education records, each entered on the ledger in this
     transaction (34 CFR 99.31(a)(2)). No rows: there is none that the caller may accept.';

CREATE FUNCTION hallpass.acting() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT coalesce(hallpass.caller(), nullif(current_setting('hallpass.operator_for', true), '')::uuid)
$$;

COMMENT ON FUNCTION hallpass.acting() IS 'The caller''s organization, or the one on whose behalf the operator acts.';

CREATE TABLE hallpass.release (
    compartment uuid NOT NULL,
    consent uuid NOT NULL,
    version integer NOT NULL,
    custodian uuid NOT NULL,
    signed timestamp with time zone NOT NULL,
    signer uuid,
    age integer NOT NULL,
    part2 boolean NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    recipients uuid[] NOT NULL,
    cosigned boolean DEFAULT false NOT NULL,
    education boolean DEFAULT false NOT NULL,
    redisclosable boolean DEFAULT false NOT NULL,
    by_class boolean DEFAULT false NOT NULL,
    born_from date,
    born_to date,
    authority_opens timestamp with time zone,
    authority_closes timestamp with time zone,
    confirmed timestamp with time zone,
    CONSTRAINT release_check CHECK ((((born_from IS NULL) = (born_to IS NULL)) AND ((authority_opens IS NULL) = (authority_closes IS NULL))))
);

CREATE FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) RETURNS SETOF hallpass.release
    LANGUAGE sql STABLE
    AS $$
    SELECT e.* FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.compartment = e.compartment
    LEFT JOIN hallpass.authority a ON a.compartment = e.compartment AND a.id = e.signer
    CROSS JOIN LATERAL (
        SELECT hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone) AS majority, hallpass.adult_from(e, s) AS adult,
               e.authority_opens IS NULL AND coalesce(a.adult, false) AS for_an_adult) w
    WHERE e.compartment = p_compartment AND e.custodian = p_custodian AND e.opens <= hallpass.statement_time() AND hallpass.statement_time() < e.closes
      AND coalesce(e.born_from, s.born_from) IS NOT NULL
      AND CASE WHEN e.signer IS NULL THEN
          hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed OR coalesce(w.adult <= e.signed, false)
      ELSE
          (w.for_an_adult
           OR (e.signed < least(w.majority, w.adult) AND coalesce(hallpass.statement_time() < w.adult, true)
               AND (o.honor OR hallpass.statement_time() < w.majority)))
          AND coalesce(e.authority_opens, a.opens) <= greatest(e.signed, e.confirmed)
          AND hallpass.statement_time() < coalesce(e.authority_closes, a.closes)
      END
      AND (NOT hallpass.agreement_required() OR e.opens >= hallpass.agreed_since(e.custodian))
$$;

COMMENT ON FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) IS 'A custodian''s releases that have effect now: in their time, their signer with authority, under an agreement.';

CREATE TABLE hallpass.student (
    compartment uuid NOT NULL,
    custodian uuid NOT NULL,
    born_from date NOT NULL,
    born_to date NOT NULL,
    emancipated timestamp with time zone,
    enrolled timestamp with time zone
);

CREATE FUNCTION hallpass.adult_from(e hallpass.release, s hallpass.student) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN e.born_to IS NULL THEN least(s.emancipated, CASE WHEN e.education THEN s.enrolled END) END
$$;

COMMENT ON FUNCTION hallpass.adult_from(e hallpass.release, s hallpass.student) IS 'From when a student signs as an adult whatever the age, for such a release; NULL: from 18. What another organization
     recorded does not count.';

CREATE FUNCTION hallpass.agreed_custodians() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian) WHERE agreed_since(c.custodian) = '-infinity');
END $$;

COMMENT ON FUNCTION hallpass.agreed_custodians() IS 'Of the custodians whose releases name the caller, those that may disclose to it now by an agreement that never lapsed.';

CREATE FUNCTION hallpass.agreed_since(p_custodian uuid) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN (SELECT (SELECT coalesce(max(upper(s)) FILTER (WHERE upper(s) <= statement_time()), '-infinity') FROM unnest(a.spans) s)
    FROM (
        SELECT range_agg(tstzrange(g.opens, g.closes)) AS spans FROM tree d CROSS JOIN unnest(ancestors()) r(recipient)
        JOIN agreement g ON g.discloser = d.ancestor AND g.recipient = r.recipient
        WHERE d.id = p_custodian AND EXISTS (SELECT 1 FROM tree h WHERE h.id = p_custodian AND h.ancestor = g.custodian)
    ) a WHERE a.spans @> statement_time());
END $$;

COMMENT ON FUNCTION hallpass.agreed_since(p_custodian uuid) IS 'Since when agreements have let a custodian disclose to the caller without a break: a release that began before has no
     effect any more. -infinity: there was no break. NULL: none lets it now.';

CREATE FUNCTION hallpass.agreement_key(p_discloser uuid, p_recipient uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT uuid_hash_extended(p_recipient, uuid_hash_extended(p_discloser, 4))
$$;

COMMENT ON FUNCTION hallpass.agreement_key(p_discloser uuid, p_recipient uuid) IS 'The lock that orders disclosures from one organization to another and the end of their agreement.';

CREATE FUNCTION hallpass.agreement_required() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.agreement_required', true), ''), 'true')::boolean $$;

CREATE FUNCTION hallpass.ancestors() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.ancestors', true), ''), '{}')::uuid[] $$;

CREATE FUNCTION hallpass.asserted_purposes(p_organization uuid) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(DISTINCT p), '{}') FROM tree t JOIN client c ON c.organization = t.id CROSS JOIN unnest(c.purposes) p
    WHERE t.ancestor = p_organization AND c.disabled IS NULL
$$;

COMMENT ON FUNCTION hallpass.asserted_purposes(p_organization uuid) IS 'The purposes of use that the clients of an organization, and of its parts, may assert: those that a release to it can have.';

CREATE FUNCTION hallpass.await_disclosures(p_client text, p_token text) RETURNS void
    LANGUAGE sql
    AS $$
    SELECT pg_advisory_xact_lock(hallpass.client_key(p_client)) WHERE p_client IS NOT NULL;
    SELECT pg_advisory_xact_lock(hallpass.token_key(p_token)) WHERE p_token IS NOT NULL;
$$;

COMMENT ON FUNCTION hallpass.await_disclosures(p_client text, p_token text) IS 'Waits until no disclosure of a client, or under a token, is between its last check and its commit. It is asked once
     the client is disabled, or the token revoked, and that has committed: who comes later sees it.';

CREATE FUNCTION hallpass.begin_keyed(p_key bytea, OUT busy boolean, OUT request bytea, OUT written jsonb) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_client text := current_setting('hallpass.client');
BEGIN
    busy := NOT pg_try_advisory_xact_lock(hashtextextended('key ' || v_client || ' ' || encode(p_key, 'hex'), 0));
    IF NOT busy THEN
        SELECT k.request, k.written INTO request, written FROM hallpass.idempotency_key k
            WHERE k.client = v_client AND k.key = p_key AND k.expires > hallpass.statement_time();
    END IF;
END $$;

COMMENT ON FUNCTION hallpass.begin_keyed(p_key bytea, OUT busy boolean, OUT request bytea, OUT written jsonb) IS 'Begins a request of the caller that has an idempotency key: whether another with that key is under way, or else what
     was asked by it before and which versions that wrote (NULL: nothing). An invoker''s function.';

CREATE FUNCTION hallpass.begin_staff_session(p_client text, p_session bytea, p_seconds integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM staff_session s WHERE s.until <= instant();
    INSERT INTO staff_session (digest, client, seen, until)
        SELECT p_session, s.client, instant(), instant() + make_interval(secs => p_seconds)
        FROM staff s JOIN client c ON c.id = s.client WHERE s.client = p_client AND c.disabled IS NULL;
    RETURN FOUND;
END $$;

COMMENT ON FUNCTION hallpass.begin_staff_session(p_client text, p_session bytea, p_seconds integer) IS 'Signs a person in, for so many seconds at the most; false: they are shut out.';

CREATE FUNCTION hallpass.birthday(born date, age integer, zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    -- Of a midnight that the clock shows twice PostgreSQL takes the second; an hour after 23:00 is the first.
    -- The day after 28 February is 29 February where the year has one, else 1 March.
    SELECT least(day AT TIME ZONE zone, (day - interval '1 hour') AT TIME ZONE zone + interval '1 hour')
    FROM (SELECT CASE WHEN extract(month FROM born) = 2 AND extract(day FROM born) = 29
                 THEN born - 1 + make_interval(years => age) + interval '1 day'
                 ELSE born + make_interval(years => age) END AS day) d
$$;

COMMENT ON FUNCTION hallpass.birthday(born date, age integer, zone text) IS 'The first moment of the day on which one born on that day reaches an age.';

CREATE FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    c_most CONSTANT integer := 20;
BEGIN
    IF NOT emergency() OR caller() IS NULL THEN
        RAISE EXCEPTION 'not an emergency';
    END IF;
    RETURN QUERY
    WITH held AS (
        SELECT DISTINCT ON (r.custodian) r.compartment, r.custodian, f.updated
        FROM term_token t JOIN resource r ON r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
        JOIN resource f ON f.compartment = r.compartment AND f.id = r.id AND f.version = 1
        WHERE t.type = 'Patient' AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value
        ORDER BY r.custodian, f.updated, r.id
    ), opened AS (
        INSERT INTO emergency SELECT h.compartment, gen_random_uuid(), caller(), p_client, p_reason, statement_time(), statement_time() + p_for,
                h.custodian
        FROM (SELECT * FROM held ORDER BY held.updated, held.compartment LIMIT c_most) h RETURNING emergency.compartment
    )
    SELECT o.compartment FROM opened o ORDER BY 1;
END $$;

COMMENT ON FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval) IS 'Opens the student with this identifier to the caller for a while, as each organization holds it: another that holds
     one by the same identifier hides none and is told of what is read of its own. Returns the students.';

CREATE FUNCTION hallpass.caller() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hallpass.organization', true), '')::uuid $$;

CREATE FUNCTION hallpass.claim_subscriptions(p_most integer, p_lease interval) RETURNS TABLE(id uuid, client text, organization uuid, purposes text[], scopes text[], held text[])
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    WITH due AS (
        SELECT s.id FROM subscription s JOIN client c ON c.id = s.client AND c.disabled IS NULL
        WHERE s.status IN ('requested', 'active') AND s.next_try <= clock_timestamp()
          AND (s.lease IS NULL OR s.lease < clock_timestamp())
          AND (s.status = 'requested' OR s.sent < s.events OR s.walk IS NOT NULL OR s.since IS NULL
               OR s.seen < (SELECT w.last_value FROM write_count w)
               OR s.walked < clock_timestamp() - interval '30 seconds'
               OR s.ends <= clock_timestamp()
               OR s.heartbeat IS NOT NULL
                  AND coalesce(s.last_sent, '-infinity') < clock_timestamp() - s.heartbeat * interval '1 second')
        ORDER BY s.next_try LIMIT p_most FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE subscription s SET lease = clock_timestamp() + p_lease
    FROM due d, client c WHERE s.id = d.id AND c.id = s.client
    RETURNING s.id, s.client, c.organization,
        ARRAY(SELECT unnest(s.purposes) INTERSECT SELECT unnest(c.purposes)), s.scopes, c.scopes
$$;

COMMENT ON FUNCTION hallpass.claim_subscriptions(p_most integer, p_lease interval) IS 'Gives a worker, for as long as the lease, Subscriptions that there may be something to do for: a handshake, what is
     to be sent again, what was written since, a heartbeat; and every half minute, for what time alone makes visible.
     A client acts with no more than it had when it subscribed, and has now.';

CREATE FUNCTION hallpass.clear_index_backlog(p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_due  index_backlog;
    v_done integer := 0;
BEGIN
    FOR v_due IN SELECT * FROM index_backlog b ORDER BY b.since LIMIT p_limit LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(index_key(v_due.compartment, v_due.custodian))
                   OR NOT pg_try_advisory_xact_lock(release_key(v_due.compartment, v_due.custodian));
        PERFORM index_student(v_due.compartment, v_due.custodian);
        UPDATE validity k SET exact = true
            WHERE k.compartment = v_due.compartment AND k.custodian = v_due.custodian AND NOT k.exact;
        DELETE FROM index_backlog b WHERE b.compartment = v_due.compartment AND b.custodian = v_due.custodian;
        v_done := v_done + 1;
    END LOOP;
    RETURN v_done;
END $$;

COMMENT ON FUNCTION hallpass.clear_index_backlog(p_limit integer) IS 'Takes out of the access index what ended releases left in it, and settles again what narrowed ones unsettled. It
     waits for nobody: what is being written is left to the next time. Returns of how many (student, custodian).';

CREATE FUNCTION hallpass.client_is_active(p_client text, p_token text, p_organization uuid, p_emergency boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    IF NOT database_is_current() THEN
        RAISE EXCEPTION 'the database is not known to be as new as its witness' USING ERRCODE = '58W01';
    END IF;
    RETURN EXISTS (SELECT 1 FROM client c WHERE c.id = p_client AND c.organization = p_organization
                   AND c.disabled IS NULL AND (NOT p_emergency OR c.emergency))
       AND NOT EXISTS (SELECT 1 FROM revoked_token t WHERE t.jti = p_token);
END $$;

CREATE FUNCTION hallpass.client_key(p_client text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT hashtextextended(p_client, 6) $$;

COMMENT ON FUNCTION hallpass.client_key(p_client text) IS 'The lock that a client''s disclosures share from their last check to their commit.';

CREATE FUNCTION hallpass.client_limits() RETURNS TABLE(client text, rate integer, running integer, logins integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT l.client, l.rate, l.running, l.logins FROM client_limit l
$$;

COMMENT ON FUNCTION hallpass.client_limits() IS 'The limits of clients that have their own: numbers, and nothing about a record.';

CREATE FUNCTION hallpass.condition_key(p_condition uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT uuid_hash_extended(p_condition, 0) $$;

COMMENT ON FUNCTION hallpass.condition_key(p_condition uuid) IS 'The lock of a condition by which an organization creates or updates.';

CREATE TABLE hallpass.provision (
    compartment uuid NOT NULL,
    consent uuid NOT NULL,
    node integer NOT NULL,
    parent integer NOT NULL,
    permit boolean NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    recipients uuid[],
    purposes text[],
    classes text[],
    codes text[],
    confidentiality smallint,
    labels text[],
    instances uuid[],
    related uuid[],
    dependents uuid[],
    authored uuid[],
    about tstzrange
);

CREATE FUNCTION hallpass.conditions_match(p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT NOT (p.permit AND r_type = 'Consent')  -- for its parties alone: it says who treats the student
       AND (p.classes IS NULL OR r_type = ANY (p.classes) OR r_profiles && p.classes)
       AND (p.codes IS NULL OR r_codes && p.codes)
       AND CASE
           WHEN p.permit THEN
               r_confidentiality <= coalesce(p.confidentiality, 3)
               AND array_remove(array_remove(array_remove(r_labels, '42CFRPart2'), 'minor-signs'), 'both-sign')
                   <@ coalesce(p.labels, '{}')
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

COMMENT ON FUNCTION hallpass.conditions_match(p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean) IS 'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts. `is_related`:
     one that it names as related refers to it.';

CREATE FUNCTION hallpass.consent_permitting(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_ancestors    uuid[] := ancestors();
    v_purposes text[];
    v_now      timestamptz;
    v_consent  uuid;
    v_node     record;
    v_excepted integer[];
    v_permit   uuid;
    v_referral resource;
BEGIN
    IF v_ancestors = '{}' OR caller() IS NULL THEN
        RETURN NULL;
    END IF;
    IF r_type IN ('Binary') THEN
        RETURN permitting_by_referrer(r_compartment, r_custodian, r_type, r_id, r_profiles, r_confidentiality, r_labels);
    END IF;
    v_purposes := purposes();
    v_now := statement_time();
    IF r_type IN ('Task') AND r_refs && v_ancestors THEN
        v_referral := referral_of(r_compartment, r_custodian, r_refs);
        v_referral.labels := v_referral.labels || r_labels;
        v_referral.confidentiality := greatest(v_referral.confidentiality, r_confidentiality);
    END IF;
    -- From the last node to the root, so that each exception has spoken before its parent does.
    FOR v_node IN
        SELECT e.consent, p.node, p.parent, p.permit
        FROM active_releases(r_compartment, r_custodian) e
        JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent
        WHERE p.opens <= v_now AND v_now < p.closes
          AND (p.recipients IS NULL OR p.recipients && v_ancestors)
          AND (p.purposes IS NULL OR p.purposes && v_purposes)
          AND ((NOT p.permit OR NOT hangs_on_signers(r_labels) OR signers_suffice(e, r_labels, r_clinical))
               AND conditions_match(p, e.part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs,
                   r_authors, r_clinical, p.related IS NOT NULL AND refers(p.compartment, p.related, e.custodian, r_id))
               -- To an organization that a Task names it is covered where the referral is that it is about.
               OR v_referral.id IS NOT NULL AND (NOT p.permit OR signers_suffice(e, v_referral.labels, v_referral.clinical))
               AND conditions_match(p, e.part2, v_referral.type, v_referral.id, v_referral.profiles, v_referral.codes,
                   v_referral.confidentiality, v_referral.labels, v_referral.refs, v_referral.authors, v_referral.clinical,
                   p.related IS NOT NULL AND refers(p.compartment, p.related, e.custodian, v_referral.id)))
        ORDER BY e.opens, e.consent, p.node DESC
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

COMMENT ON FUNCTION hallpass.consent_permitting(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) IS 'The Consent that opens a resource with these facts to the caller now; NULL: none does, or a deny applies.';

CREATE FUNCTION hallpass.consent_scope(p_compartment uuid, p_consent uuid) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT concat_ws('; ', 'for ' || nullif(array_to_string(t.purposes, ', '), ''), 'of ' || nullif(array_to_string(t.classes, ', '), ''),
                     'labeled ' || nullif(array_to_string(t.labels, ', '), ''),
                     'until ' || CASE WHEN e.closes < '9999-01-01' THEN to_char(e.closes AT TIME ZONE o.zone, 'YYYY-MM-DD HH24:MI') END)
    FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
    WHERE e.compartment = p_compartment AND e.consent = p_consent
$$;

COMMENT ON FUNCTION hallpass.consent_scope(p_compartment uuid, p_consent uuid) IS 'What a release opens, in a line, as its root says: it goes with records under 42 CFR Part 2 (2.32).';

CREATE FUNCTION hallpass.count_custody() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    PERFORM nextval('write_count');  -- so that a worker knows that there is something new
    -- A version stands in for the one before: a first one is one more, and what is deleted or comes back one less or more.
    INSERT INTO custody_count
        SELECT n.custodian, n.type, sum(n.records) FROM (
            SELECT n.custodian, n.type, (NOT n.deleted)::integer - coalesce((
                SELECT (NOT b.deleted)::integer FROM resource b
                WHERE n.version > 1 AND b.compartment = n.compartment AND b.id = n.id AND b.version = n.version - 1), 0) AS records
            FROM new_rows n WHERE n.current AND NOT n.directory) n
        GROUP BY 1, 2 HAVING sum(n.records) <> 0;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION hallpass.count_custody() IS 'Appends what the versions of a statement change of how much is held.';

CREATE FUNCTION hallpass.counts_as(p_organization uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT o.ancestors || ARRAY(
        SELECT DISTINCT c FROM unnest(o.ancestors) x(id) JOIN organization a ON a.id = x.id CROSS JOIN unnest(a.classes) c ORDER BY c)
    FROM organization o WHERE o.id = p_organization
$$;

COMMENT ON FUNCTION hallpass.counts_as(p_organization uuid) IS 'What a release may name to reach an organization: itself, each that it is part of, and the classes of recipients of any
     of these. NULL: there is no such organization.';

CREATE FUNCTION hallpass.database_is_current() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    RETURN NOT EXISTS (SELECT 1 FROM witness_check c WHERE c.started IS DISTINCT FROM pg_postmaster_start_time()
                       OR c.place IS DISTINCT FROM pg_relation_filepath('hallpass.witness_check'));
END $$;

COMMENT ON FUNCTION hallpass.database_is_current() IS 'Whether this start of this server is known to be as new as the witness, where one is kept. Another server, a restart
     and a restored table are not, until a worker has compared them.';

CREATE FUNCTION hallpass.defer_index(p_compartment uuid, p_custodian uuid, p_distrust boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    UPDATE validity SET exact = false WHERE p_distrust AND compartment = p_compartment AND custodian = p_custodian AND exact;
    INSERT INTO index_backlog VALUES (p_compartment, p_custodian) ON CONFLICT DO NOTHING;
$$;

COMMENT ON FUNCTION hallpass.defer_index(p_compartment uuid, p_custodian uuid, p_distrust boolean) IS 'Leaves the access index as it is after a release ended, to be brought up to date later. With p_distrust, after one
     was narrowed: until then each record that the custodian''s releases of the student cover is judged by the whole rule.';

CREATE FUNCTION hallpass.disclose(p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[], p_versions integer[], p_custodians uuid[], p_locked_compartments uuid[], p_locked_custodians uuid[], OUT entered integer, OUT own uuid[], OUT ground_ids uuid[], OUT ground_versions integer[], OUT grounds uuid[], OUT grounds_versions integer[], OUT scopes text[], OUT redisclosable boolean[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

COMMENT ON FUNCTION hallpass.disclose(p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[], p_versions integer[], p_custodians uuid[], p_locked_compartments uuid[], p_locked_custodians uuid[], OUT entered integer, OUT own uuid[], OUT ground_ids uuid[], OUT ground_versions integer[], OUT grounds uuid[], OUT grounds_versions integer[], OUT scopes text[], OUT redisclosable boolean[]) IS 'Judges each version once more, for the caller of this transaction, and enters on the ledger those that it may see:
     all in one statement, after sharing the locks of what could end it. One request and interaction may stand for all.
     Returns how many entries, which of the custodians are the caller''s own, whose versions are not entered, and under which
     Consent and version each leaves that a release opens, with its scope where 42 CFR Part 2 asks for that, and whether its law lets the recipient pass it on; -1 when
     the caller no longer stands; -2, and nothing entered, when a write goes on that may end it: then wait for it first
     (lock_disclosure).';

CREATE FUNCTION hallpass.disclosure_keys(p_compartments uuid[], p_custodians uuid[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

COMMENT ON FUNCTION hallpass.disclosure_keys(p_compartments uuid[], p_custodians uuid[]) IS 'The locks that a disclosure of what these custodians hold about these students shares, in their order. What the
     caller holds itself takes none.';

CREATE FUNCTION hallpass.drop_ledger(p_before timestamp with time zone) RETURNS TABLE(partition text, since timestamp with time zone, until timestamp with time zone, entries bigint, students bigint)
    LANGUAGE plpgsql
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
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
        EXECUTE format('DROP TABLE %I', v_part);
        RETURN QUERY SELECT d.partition, d.since, d.until, d.entries, d.students FROM ledger_drop d
            WHERE d.partition = v_part;
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.drop_ledger(p_before timestamp with time zone) IS 'Drops the partitions of the ledger that end before a moment, and records each.';

CREATE FUNCTION hallpass.emergency() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.emergency', true), ''), 'false')::boolean $$;

CREATE FUNCTION hallpass.end_staff_session(p_session bytea, p_token text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    INSERT INTO revoked_token (jti, expires) SELECT p_token, s.until FROM staff_session s WHERE s.digest = p_session
        ON CONFLICT DO NOTHING;
    DELETE FROM staff_session s WHERE s.digest = p_session
$$;

COMMENT ON FUNCTION hallpass.end_staff_session(p_session bytea, p_token text) IS 'Ends a session, and revokes its token: a disclosure that is still under way does not happen.';

CREATE FUNCTION hallpass.endpoint_allowed(p_endpoint text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT EXISTS (SELECT 1 FROM endpoint e WHERE e.organization = ANY (ancestors())
                   AND (p_endpoint = e.prefix OR starts_with(p_endpoint, rtrim(e.prefix, '/') || '/')))
$$;

COMMENT ON FUNCTION hallpass.endpoint_allowed(p_endpoint text) IS 'Whether the operator lets the caller''s organization, or one above it, send notifications to an endpoint.';

CREATE FUNCTION hallpass.enter_query(p_agent jsonb, p_purposes text[], p_request uuid, p_interaction text, p_type text, p_types text[], p_party_types text[], p_students uuid[], p_parameters text[], p_text text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_caller  uuid := caller();
    v_client  text := current_setting('hallpass.client', true);
    v_ids     uuid[];
    v_custodians uuid[];
    v_students integer[];
    v_chain   smallint;
    v_before  chain_end;
    v_at      timestamptz;
    v_link    bytea;
BEGIN
    IF v_caller IS NULL THEN
        RETURN 0;
    END IF;
    SELECT array_agg(md5(p_text || q.custodian)::uuid), array_agg(q.custodian), array_agg(q.students) INTO v_ids, v_custodians, v_students
        FROM queried(p_types, p_party_types, p_students) q;
    IF v_ids IS NULL THEN
        RETURN 0;  -- it reads nobody else's
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    v_chain := lock_chain();
    SELECT * INTO v_before FROM chain_end c WHERE c.chain = v_chain;
    v_at := instant();
    WHILE EXISTS (SELECT 1 FROM unnest(v_ids, v_custodians) AS e(id, custodian) JOIN disclosure d
                  ON d.compartment = e.custodian AND d.at = v_at AND d.request = p_request AND d.id = e.id) LOOP
        v_at := v_at + interval '1 microsecond';  -- the clock need not have gone on between two entries of a batch
    END LOOP;
    WITH inserted AS (
        INSERT INTO disclosure (compartment, at, request, id, version, type, interaction, custodian, recipient, client, agent,
                                purposes, basis, parameters, students, chain, batch)
        SELECT e.custodian, v_at, p_request, e.id, 0, p_type, p_interaction, e.custodian, v_caller, v_client, p_agent,
               p_purposes, 'query', p_parameters, e.students, v_chain, coalesce(v_before.n, 0) + 1
        FROM unnest(v_ids, v_custodians, v_students) AS e(id, custodian, students)
    ), logged AS (
        INSERT INTO event (id, minute, kind, organization, client, outcome, detail, first, last, times)
        VALUES (md5(p_text)::uuid, date_trunc('minute', v_at), 'query', v_caller, v_client, '0', p_text, v_at, v_at, 1)
        ON CONFLICT DO NOTHING  -- the same query again in one request, of a batch
    )
    SELECT next_link(v_before.link, string_agg(entry_bytes(
               e.custodian, v_at, p_request, e.id, 0, p_type, p_interaction, NULL, e.custodian, v_caller, v_client, p_agent,
               p_purposes, 'query', NULL, NULL, NULL, p_parameters, e.students), '' ORDER BY e.custodian, e.id))
        INTO v_link FROM unnest(v_ids, v_custodians, v_students) AS e(id, custodian, students);
    INSERT INTO batch VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_at, cardinality(v_ids), v_link);
    INSERT INTO chain_end VALUES (v_chain, coalesce(v_before.n, 0) + 1, v_link)
        ON CONFLICT (chain) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link;
    RETURN cardinality(v_ids);
END $$;

COMMENT ON FUNCTION hallpass.enter_query(p_agent jsonb, p_purposes text[], p_request uuid, p_interaction text, p_type text, p_types text[], p_party_types text[], p_students uuid[], p_parameters text[], p_text text) IS 'Enters a query once for each custodian whose records its criteria read (hallpass.queried), whatever it finds: what it
     asks by and of how many students. What it asks for is in the security log, for the organization that asked. Returns
     how many entries.';

CREATE FUNCTION hallpass.enter_receipts(p_compartments uuid[], p_consents uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    WITH made AS (
        INSERT INTO receipt (compartment, consent, recipient, custodian)
        SELECT DISTINCT r.compartment, r.id, caller(), r.custodian FROM unnest(p_compartments, p_consents) k(compartment, consent)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.consent AND r.current
        WHERE NOT r.parties && ancestors() ORDER BY r.compartment, r.id
        ON CONFLICT DO NOTHING RETURNING compartment, consent, recipient
    )
    INSERT INTO access (compartment, id, org, consent, type, updated, custodian, precomputed)
    SELECT r.compartment, r.id, m.recipient, NULL, r.type, r.updated, r.custodian, true
    FROM made m JOIN resource r ON r.compartment = m.compartment AND r.id = m.consent AND r.current
    ON CONFLICT DO NOTHING
$$;

COMMENT ON FUNCTION hallpass.enter_receipts(p_compartments uuid[], p_consents uuid[]) IS 'The caller received something under these Consents, which name it by a class: it may read them from now on.';

CREATE FUNCTION hallpass.entry_bytes(compartment uuid, at timestamp with time zone, request uuid, id uuid, version integer, type text, interaction text, student uuid, custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid, consent_version integer, reason text, parameters text[], students integer) RETURNS bytea
    LANGUAGE sql STABLE
    AS $$
    SELECT record_send(ROW(compartment, at, request, id, version, type, interaction, student, custodian, recipient, client,
                           agent, purposes, basis, consent, consent_version, reason, parameters, students))
$$;

COMMENT ON FUNCTION hallpass.entry_bytes(compartment uuid, at timestamp with time zone, request uuid, id uuid, version integer, type text, interaction text, student uuid, custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid, consent_version integer, reason text, parameters text[], students integer) IS 'All that an entry says, each value with its type and length.';

CREATE FUNCTION hallpass.expected_access_rows(p_compartments uuid[], p_ids uuid[]) RETURNS TABLE(compartment uuid, id uuid, org uuid, consent uuid, type text, updated timestamp with time zone, custodian uuid, precomputed boolean)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
                   hallpass.hangs_on_signers(r.labels) OR r.type IN ('Binary', 'Task')) OVER one AS precomputed
        FROM r JOIN node n ON n.compartment = r.compartment AND n.custodian = r.custodian
        WHERE r.type IN ('Binary', 'Task') OR  -- covered where another record is, which is judged live
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
        WHERE (NOT r.type IN ('Task') OR '00000000-0000-0000-0000-000000000002' = ANY (r.parties)) AND x <> '00000000-0000-0000-0000-000000000002'
    UNION ALL
    SELECT r.compartment, r.id, k.recipient, NULL::uuid, r.type, r.updated, r.custodian, true
        FROM r JOIN hallpass.receipt k ON k.compartment = r.compartment AND k.consent = r.id
        WHERE r.type = 'Consent' AND NOT k.recipient = ANY (r.parties);
END $$;

COMMENT ON FUNCTION hallpass.expected_access_rows(p_compartments uuid[], p_ids uuid[]) IS 'The rows that the access index should hold for these records, of any students.';

CREATE FUNCTION hallpass.expected_student_access(p_compartment uuid) RETURNS TABLE(compartment uuid, id uuid, org uuid, consent uuid, type text, updated timestamp with time zone, custodian uuid, precomputed boolean)
    LANGUAGE sql STABLE
    AS $$
    SELECT * FROM hallpass.expected_access_rows(
        (SELECT array_agg(r.compartment) FROM hallpass.resource r WHERE r.compartment = p_compartment AND r.current),
        (SELECT array_agg(r.id) FROM hallpass.resource r WHERE r.compartment = p_compartment AND r.current))
$$;

COMMENT ON FUNCTION hallpass.expected_student_access(p_compartment uuid) IS 'The rows that the access index should hold for a student.';

CREATE FUNCTION hallpass.expected_validity(p_compartment uuid) RETURNS TABLE(org uuid, consent uuid, compartment uuid, version integer, custodian uuid, since timestamp with time zone, until timestamp with time zone, majority timestamp with time zone, purposes text[], root_since timestamp with time zone, root_until timestamp with time zone, types text[])
    LANGUAGE sql STABLE
    AS $$
    SELECT x.org, e.consent, e.compartment, e.version, e.custodian, e.opens,
           CASE WHEN e.signer IS NULL THEN
               CASE WHEN hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed
                         OR hallpass.adult_from(e, s) <= e.signed
                    THEN e.closes ELSE '-infinity' END
           ELSE
               CASE WHEN coalesce(e.authority_opens, a.opens) <= greatest(e.signed, e.confirmed) AND coalesce(e.born_from, s.born_from) IS NOT NULL
                         AND (w.adult OR e.signed < least(
                             hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone), hallpass.adult_from(e, s)))
                    THEN least(e.closes, coalesce(e.authority_closes, a.closes),
                               CASE WHEN NOT w.adult THEN hallpass.adult_from(e, s) END)
                    ELSE '-infinity' END
           END,
           CASE WHEN e.signer IS NOT NULL AND NOT w.adult
                THEN hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone) END,
           t.purposes, t.opens, t.closes,
           CASE WHEN t.permit AND NOT array_to_string(t.classes, ' ') LIKE '%:%' THEN t.classes END
    FROM hallpass.release e
    JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
    JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.compartment = e.compartment
    LEFT JOIN hallpass.authority a ON a.compartment = e.compartment AND a.id = e.signer
    CROSS JOIN LATERAL (SELECT e.authority_opens IS NULL AND coalesce(a.adult, false) AS adult) w
    CROSS JOIN LATERAL unnest(CASE WHEN t.recipients IS NOT NULL THEN t.recipients WHEN e.recipients <> '{}' THEN e.recipients
                                   ELSE '{00000000-0000-0000-0000-000000000000}' END) x(org)
    WHERE e.compartment = p_compartment
$$;

COMMENT ON FUNCTION hallpass.expected_validity(p_compartment uuid) IS 'The rows that hallpass.validity should hold for a student.';

CREATE FUNCTION hallpass.export_associated(p_export uuid, p_compartments uuid[], p_latest boolean, p_by_patient boolean) RETURNS void
    LANGUAGE sql
    AS $$
    WITH about AS MATERIALIZED (
        SELECT r.compartment, r.student, r.id, r.version, r.type, NOT hallpass.holds(r.custodian) AS others, t.target,
               coalesce((SELECT min(d.lower) FROM hallpass.term_date d
                   WHERE d.compartment = r.compartment AND d.id = r.id AND d.param = 'recorded'), r.updated) AS recorded
        FROM hallpass.export e CROSS JOIN unnest(p_compartments) c(compartment) CROSS JOIN LATERAL (
            SELECT * FROM hallpass.resource r
            WHERE r.compartment = c.compartment AND r.type = 'Provenance' AND r.current AND NOT r.deleted
              AND r.updated < e.horizon OFFSET 0) r
        JOIN hallpass.term_reference t ON t.compartment = r.compartment AND t.id = r.id AND t.param = 'target'
        JOIN hallpass.export_item i ON i.export = e.id AND i.id = t.target AND i.type <> 'Provenance'
        WHERE e.id = p_export
    ), chosen AS MATERIALIZED (
        SELECT DISTINCT k.compartment, k.student, k.id, k.version, k.type, k.others FROM (
            SELECT a.*, row_number() OVER (PARTITION BY a.target ORDER BY a.recorded DESC, a.id) AS place FROM about a) k
        WHERE (NOT p_latest OR k.place = 1)
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = k.id OFFSET 0)
    ), given AS (
        INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
            SELECT hallpass.feed_reader(), e.feed, c.id, c.version, c.compartment, c.type, hallpass.instant(), e.at
            FROM chosen c JOIN hallpass.export e ON e.id = p_export WHERE c.others
        ON CONFLICT (reader, feed, id, version) DO NOTHING
    )
    INSERT INTO hallpass.export_item
        SELECT p_export, s.series, row_number() OVER (ORDER BY c.compartment, c.id) + coalesce((
                   SELECT max(i.n) FROM hallpass.export_item i WHERE i.export = p_export AND i.series = s.series), 0),
               c.compartment, c.id, c.version, c.type
        FROM chosen c CROSS JOIN (SELECT CASE WHEN p_by_patient THEN '' ELSE 'Provenance' END AS series) s
$$;

COMMENT ON FUNCTION hallpass.export_associated(p_export uuid, p_compartments uuid[], p_latest boolean, p_by_patient boolean) IS 'Chooses the Provenance about what is chosen in some compartments: all that the caller sees, or of each record the one
     that was recorded last. An invoker''s function: the wall says what is seen.';

CREATE FUNCTION hallpass.export_choose(p_export uuid, p_types text[], p_compartments uuid[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone, p_by_patient boolean, p_consents boolean) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_feed    text;
    v_at      timestamptz;
    v_horizon timestamptz;
    v_told    timestamptz;
BEGIN
    SELECT e.feed, e.at, e.horizon, e.told INTO v_feed, v_at, v_horizon, v_told FROM hallpass.export e WHERE e.id = p_export;
    WITH released AS MATERIALIZED (
        SELECT s.compartment, s.custodian FROM hallpass.released_since(p_since) s WHERE p_since IS NOT NULL AND v_told IS NULL
    ), seen AS MATERIALIZED (
        SELECT r.compartment, r.student, r.id, r.version, r.type, r.updated, NOT hallpass.holds(r.custodian) AS others
        FROM unnest(p_compartments) c(compartment) CROSS JOIN LATERAL (
            SELECT * FROM hallpass.resource r
            WHERE r.compartment = c.compartment AND r.current AND NOT r.deleted AND NOT r.directory
              AND (r.type = ANY (p_types) AND (p_ids IS NULL OR r.id = ANY (p_ids))
                   -- What records under 42 CFR Part 2 leave under goes along.
                   OR p_consents AND r.type = 'Consent' AND NOT hallpass.holds(r.custodian)
                   AND EXISTS (SELECT 1 FROM hallpass.active_release k WHERE k.compartment = r.compartment AND k.consent = r.id)
                   AND EXISTS (SELECT 1 FROM hallpass.resource p
                       WHERE p.compartment = c.compartment AND p.current AND NOT p.deleted AND p.custodian = r.custodian
                         AND '42CFRPart2' = ANY (p.labels)
                         AND p.type = ANY (p_types) AND (p_ids IS NULL OR p.id = ANY (p_ids)))) OFFSET 0) r
        -- Outside, so that no index of all records by their time is read for each student.
        WHERE r.updated < v_horizon AND (p_until IS NULL OR r.updated < p_until)
    ), chosen AS MATERIALIZED (
        SELECT s.* FROM seen s
        WHERE (p_since IS NULL OR s.updated >= p_since OR s.others AND CASE
            WHEN v_told IS NULL THEN EXISTS (SELECT 1 FROM released w WHERE w.compartment = s.compartment)
            ELSE NOT EXISTS (
                SELECT 1 FROM hallpass.feed_entry f
                WHERE f.reader = (SELECT hallpass.feed_reader()) AND f.feed = v_feed AND f.id = s.id AND f.version = s.version
                  AND (f.given <= v_told OR f.walk = v_told) OFFSET 0) END)
          -- One by one (OFFSET 0): what is empty as it is planned would be read whole for each.
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = s.id OFFSET 0)
    ), given AS (
        INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
            SELECT hallpass.feed_reader(), v_feed, c.id, c.version, c.compartment, c.type, hallpass.instant(), v_at
            FROM chosen c WHERE c.others
        ON CONFLICT (reader, feed, id, version) DO NOTHING
    ), placed AS MATERIALIZED (
        SELECT c.*, CASE WHEN p_by_patient AND c.student IS NOT NULL THEN '' ELSE c.type END AS series FROM chosen c
    ), base AS MATERIALIZED (
        SELECT d.series, coalesce((SELECT max(i.n) FROM hallpass.export_item i
            WHERE i.export = p_export AND i.series = d.series), 0) AS n FROM (SELECT DISTINCT p.series FROM placed p) d
    )
    INSERT INTO hallpass.export_item
        SELECT p_export, p.series, b.n + row_number() OVER (
                   PARTITION BY p.series ORDER BY p.compartment, p.type <> 'Patient', p.type, p.id),
               p.compartment, p.id, p.version, p.type
        FROM placed p JOIN base b ON b.series = p.series;
END $$;

COMMENT ON FUNCTION hallpass.export_choose(p_export uuid, p_types text[], p_compartments uuid[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone, p_by_patient boolean, p_consents boolean) IS 'Chooses the current versions that the caller sees in some compartments: with `p_since` those written since, or of
     others and not yet given. What is chosen of others counts as given. `p_consents`: with records under 42 CFR Part 2 their Consents. An invoker''s function: the wall says what is seen.';

CREATE FUNCTION hallpass.export_deleted(p_export uuid, p_types text[], p_since timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO hallpass.export_item
        SELECT p_export, 'deleted', row_number() OVER (ORDER BY d.type, d.id), d.id, d.id, 0, d.type
        FROM hallpass.export e CROSS JOIN LATERAL (
            SELECT r.type, r.id FROM hallpass.tree t JOIN hallpass.resource r ON r.custodian = t.id
            WHERE t.ancestor = (SELECT hallpass.caller()) AND r.type = ANY (p_types) AND r.updated >= p_since
              AND r.updated < e.horizon AND r.current AND r.deleted
            UNION
            SELECT r.type, r.id FROM hallpass.resource r
            WHERE r.directory AND r.type = ANY (p_types) AND r.updated >= p_since AND r.updated < e.horizon
              AND r.current AND r.deleted
            UNION
            SELECT f.type, f.id FROM hallpass.feed_entry f
            JOIN hallpass.resource r ON r.compartment = f.compartment AND r.id = f.id AND r.current AND r.deleted
            WHERE f.reader = (SELECT hallpass.feed_reader()) AND f.feed = e.feed AND f.type = ANY (p_types)
              AND r.updated >= p_since AND r.updated < e.horizon
            UNION
            SELECT w.type, w.id FROM hallpass.feed_withdraw(e.feed, e.at, e.told) w) d
        WHERE e.id = p_export
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = d.id OFFSET 0)
$$;

COMMENT ON FUNCTION hallpass.export_deleted(p_export uuid, p_types text[], p_since timestamp with time zone) IS 'Lists what was deleted since, of what the caller holds, of the directory and of what it was given, and what it was
     given and no longer sees.';

CREATE FUNCTION hallpass.export_directory(p_export uuid, p_types text[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO hallpass.export_item
        SELECT p_export, r.type, row_number() OVER (PARTITION BY r.type ORDER BY r.updated, r.id) + coalesce((
                   SELECT max(i.n) FROM hallpass.export_item i WHERE i.export = p_export AND i.series = r.type), 0),
               r.compartment, r.id, r.version, r.type
        FROM hallpass.resource r JOIN hallpass.export e ON e.id = p_export
        WHERE r.directory AND r.current AND NOT r.deleted AND r.type = ANY (p_types) AND (p_ids IS NULL OR r.id = ANY (p_ids))
          AND r.updated < e.horizon AND (p_since IS NULL OR r.updated >= p_since) AND (p_until IS NULL OR r.updated < p_until)
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = r.id OFFSET 0)
$$;

COMMENT ON FUNCTION hallpass.export_directory(p_export uuid, p_types text[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone) IS 'Chooses entries of the directory, which every member reads.';

CREATE FUNCTION hallpass.export_releases(p_export uuid, p_after uuid, p_most integer) RETURNS TABLE(consent uuid, version integer)
    LANGUAGE sql STABLE
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
    SELECT DISTINCT k.consent, k.version FROM unnest(hallpass.ancestors()) o(org)
    CROSS JOIN LATERAL (
        SELECT k.consent, k.version FROM hallpass.active_release k
        WHERE k.org = o.org AND k.consent > p_after
          -- It opens a line,
          AND EXISTS (
              SELECT 1 FROM hallpass.access a JOIN hallpass.export_item i ON i.export = p_export AND i.id = a.id
              WHERE a.compartment = k.compartment AND a.org = k.org AND a.consent = k.consent
                AND (a.precomputed AND k.exact OR EXISTS (
                    SELECT 1 FROM hallpass.resource r
                    WHERE r.compartment = a.compartment AND r.id = a.id AND r.current AND NOT r.deleted
                      AND hallpass.consent_permitting(r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes,
                          r.confidentiality, r.labels, r.refs, r.authors, r.clinical) = k.consent)))
          -- and the caller may read it.
          AND EXISTS (SELECT 1 FROM hallpass.resource c WHERE c.compartment = k.compartment AND c.id = k.consent AND c.current)
        ORDER BY k.consent LIMIT p_most) k
    ORDER BY k.consent LIMIT p_most
$$;

COMMENT ON FUNCTION hallpass.export_releases(p_export uuid, p_after uuid, p_most integer) IS 'The next Consents, by their ids, that open a line of an export to the caller now and that it may read. An invoker''s function.';

CREATE FUNCTION hallpass.export_students(p_export uuid, p_types text[], p_only uuid[]) RETURNS integer
    LANGUAGE sql
    AS $$
    WITH reach AS (
        SELECT s.compartment FROM hallpass.reached() s
        UNION
        SELECT r.compartment FROM hallpass.tree t JOIN hallpass.resource r ON r.custodian = t.id
        WHERE t.ancestor = (SELECT hallpass.caller()) AND r.current AND NOT r.deleted AND NOT r.directory
        UNION
        SELECT p.compartment FROM hallpass.party_versions(p_types) p
    ), listed AS (
        INSERT INTO hallpass.export_student
            SELECT p_export, row_number() OVER (ORDER BY k.compartment), k.compartment FROM reach k
            WHERE p_only IS NULL OR k.compartment = ANY (p_only)
        RETURNING 1
    )
    SELECT count(*)::integer FROM listed
$$;

COMMENT ON FUNCTION hallpass.export_students(p_export uuid, p_types text[], p_only uuid[]) IS 'Lists the compartments in which the caller may see something, all or of these only. An invoker''s function.';

CREATE FUNCTION hallpass.export_withhold(p_export uuid, p_series text, p_after bigint, p_last bigint, p_given uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    INSERT INTO withheld
        SELECT r.custodian, instant(), i.export, i.id, i.version, i.type, i.compartment, caller(),
            current_setting('hallpass.purposes', true)::text[]
        FROM export e JOIN export_item i ON i.export = e.id
        JOIN resource r ON r.compartment = i.compartment AND r.id = i.id AND r.version = i.version
        WHERE e.id = p_export AND e.client = current_setting('hallpass.client', true)
          AND i.series = p_series AND i.n > p_after AND i.n <= p_last AND i.id <> ALL (p_given)
          AND NOT r.directory AND NOT holds(r.custodian)
    ON CONFLICT DO NOTHING
$$;

COMMENT ON FUNCTION hallpass.export_withhold(p_export uuid, p_series text, p_after bigint, p_last bigint, p_given uuid[]) IS 'Keeps for their custodians which lines of a file were left out as it was fetched: those of a range that were not given.
     It answers nothing, so that the recipient learns nothing by it.';

CREATE FUNCTION hallpass.exports_over(p_exports uuid[], p_before timestamp with time zone) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(k.id), '{}') FROM unnest(p_exports) k(id)
    WHERE NOT EXISTS (
        SELECT 1 FROM export e WHERE e.id = k.id
          AND (e.status IN ('accepted', 'choosing') OR e.status = 'complete' AND e.ended >= p_before))
$$;

COMMENT ON FUNCTION hallpass.exports_over(p_exports uuid[], p_before timestamp with time zone) IS 'Of some exports those of which nothing can be fetched any more: whatever the export store holds of them is removed.';

CREATE FUNCTION hallpass.exports_running() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT count(*)::integer FROM export WHERE status IN ('accepted', 'choosing')
$$;

COMMENT ON FUNCTION hallpass.exports_running() IS 'How many exports of all clients are being chosen.';

CREATE FUNCTION hallpass.expunge(p_compartment uuid, p_ids uuid[], p_authority text, p_by text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_count integer;
BEGIN
    INSERT INTO expunged
        SELECT r.compartment, r.id, r.type, r.custodian, count(*), instant(), p_authority, p_by FROM resource r
        WHERE r.compartment = p_compartment AND r.id = ANY (p_ids)
          AND EXISTS (SELECT 1 FROM resource c WHERE c.compartment = r.compartment AND c.id = r.id AND c.current AND c.deleted)
        GROUP BY r.compartment, r.id, r.type, r.custodian
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE resource r SET deleted = true, method = 'DELETE', body = '{}', label_at = 0, digest = '', profiles = '{}', codes = '{}',
        -- What no release reaches and no broken glass opens: to all but who holds it, it is not there.
        confidentiality = 6, labels = '{PSYTHPN}', parties = '{}', refs = '{}', authors = '{}', clinical = NULL
        FROM expunged x
        WHERE r.compartment = p_compartment AND r.id = ANY (p_ids) AND x.compartment = r.compartment AND x.id = r.id;
    DELETE FROM term_date t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_quantity t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_reference t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_string t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_token t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_uri t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM access a WHERE a.compartment = p_compartment AND a.id = ANY (p_ids);
    DELETE FROM receipt e WHERE e.compartment = p_compartment AND e.consent = ANY (p_ids);  -- it would show the Consent
    UPDATE submission_line l SET source = split_part(l.source, '/', 1), issues = NULL
        FROM expunged x WHERE x.compartment = p_compartment AND x.id = ANY (p_ids) AND l.resource = x.type || '/' || x.id;
    DELETE FROM submitted s WHERE s.id = ANY (p_ids);
    UPDATE transfer t SET notice = 'expunged', waiting = '[]'
        WHERE t.compartment = p_compartment AND p_compartment = ANY (p_ids);
    RETURN v_count;
END $$;

COMMENT ON FUNCTION hallpass.expunge(p_compartment uuid, p_ids uuid[], p_authority text, p_by text) IS 'Destroys all content of records that are deleted, in every version and in what is derived from them, and enters that it
     was done. The versions stay by number, since the ledger cites them. The owner''s alone. Returns how many were new.';

CREATE FUNCTION hallpass.fail_export(p_export uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    UPDATE export SET status = 'failed', ended = instant() WHERE id = p_export AND status IN ('accepted', 'choosing')
$$;

COMMENT ON FUNCTION hallpass.fail_export(p_export uuid) IS 'Ends an export that cannot be chosen, also of a client whose token stands no more: another may begin then.';

CREATE FUNCTION hallpass.fail_submission(p_submission uuid, p_problem text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    UPDATE submission_file SET status = 'failed', problem = p_problem, body = NULL, headers = NULL
    WHERE submission = p_submission AND status IN ('waiting', 'taking')
$$;

COMMENT ON FUNCTION hallpass.fail_submission(p_submission uuid, p_problem text) IS 'Ends what waits of a submission that cannot be taken, also of a client whose token stands no more.';

CREATE FUNCTION hallpass.feed_answered(p_feed text, p_since timestamp with time zone, p_at timestamp with time zone, p_gives boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_reader text := hallpass.feed_reader();
    v_first  timestamptz;
BEGIN
    SELECT min(a.since) INTO v_first FROM hallpass.feed_answer a WHERE a.reader = v_reader AND a.feed = p_feed;
    IF v_first IS NULL OR p_gives THEN
        DELETE FROM hallpass.feed_answer a
            WHERE a.reader = v_reader AND a.feed = p_feed AND a.since > v_first AND a.at < p_at - interval '7 days';
        INSERT INTO hallpass.feed_answer VALUES (v_reader, p_feed, p_since, p_at) ON CONFLICT DO NOTHING;
    END IF;
END $$;

COMMENT ON FUNCTION hallpass.feed_answered(p_feed text, p_since timestamp with time zone, p_at timestamp with time zone, p_gives boolean) IS 'Remembers at what time an answer was given that hands out a moment to go on from: the first, and each that gives
     something. Who comes back later than in a week may be given some of it again.';

CREATE FUNCTION hallpass.feed_begin(p_feed text, p_since timestamp with time zone) RETURNS TABLE(at timestamp with time zone, horizon timestamp with time zone, told timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('feed ' || hallpass.feed_reader() || ' ' || p_feed, 0));
    RETURN QUERY
        SELECT h.at, h.horizon, (
            SELECT CASE WHEN a.since = p_since THEN a.at ELSE p_since END FROM hallpass.feed_answer a
            WHERE a.reader = hallpass.feed_reader() AND a.feed = p_feed AND a.since <= p_since
            ORDER BY a.since DESC LIMIT 1)
        FROM hallpass.feed_horizon() h;
END $$;

COMMENT ON FUNCTION hallpass.feed_begin(p_feed text, p_since timestamp with time zone) IS 'Begins an answer to who follows: the time, the horizon, and when the answer was given that handed out `p_since`
     (NULL for a moment before the first answer).
     The answers to one reader come one after the other, so that each knows what those before it gave.';

CREATE FUNCTION hallpass.feed_give(p_feed text, p_walk timestamp with time zone, p_compartments uuid[], p_ids uuid[], p_versions integer[], p_types text[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
        SELECT hallpass.feed_reader(), p_feed, k.id, k.version, k.compartment, k.type, hallpass.instant(), p_walk
        FROM unnest(p_compartments, p_ids, p_versions, p_types) AS k(compartment, id, version, type)
    ON CONFLICT (reader, feed, id, version) DO NOTHING
$$;

COMMENT ON FUNCTION hallpass.feed_give(p_feed text, p_walk timestamp with time zone, p_compartments uuid[], p_ids uuid[], p_versions integer[], p_types text[]) IS 'Remembers what a page of a feed gives.';

CREATE FUNCTION hallpass.feed_horizon() RETURNS TABLE(at timestamp with time zone, horizon timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_at       timestamptz := hallpass.instant();  -- before the locks are read: who stamps after that stamps later
    v_earliest timestamptz;
BEGIN
    WITH held AS MATERIALIZED (
        SELECT l.pid, l.locktype, l.relation, l.mode, l.objsubid, l.classid::bigint AS seconds, l.objid::bigint AS micros
        FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.granted AND l.pid <> pg_backend_pid()
    ), stamped AS (
        SELECT h.pid, to_timestamp(946684800 + h.seconds) + h.micros * interval '1 microsecond' AS at
        FROM held h WHERE h.locktype = 'advisory' AND h.objsubid = 2 AND h.seconds > 100000000
    ), writing AS (  -- just before its stamp, or a command of the operator's that writes without one
        SELECT coalesce(a.xact_start, v_at - interval '10 seconds') AS at
        FROM held h LEFT JOIN pg_stat_activity a ON a.pid = h.pid
        WHERE h.locktype = 'relation' AND h.relation = 'hallpass.resource'::regclass AND h.mode = 'RowExclusiveLock'
          AND NOT EXISTS (SELECT 1 FROM stamped s WHERE s.pid = h.pid)
    )
    SELECT min(f.at) INTO v_earliest FROM (SELECT s.at FROM stamped s UNION ALL SELECT w.at FROM writing w) f;
    RETURN QUERY SELECT v_at, least(v_at + interval '1 microsecond', v_earliest);
END $$;

COMMENT ON FUNCTION hallpass.feed_horizon() IS 'The time, and the moment below which every version is committed or never will be: the earliest stamp of a
     transaction that still writes. To be asked in a statement before the one that reads the versions.';

CREATE FUNCTION hallpass.feed_reader() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT nullif(current_setting('hallpass.client', true), '') || ' ' || current_setting('hallpass.purposes', true)
$$;

COMMENT ON FUNCTION hallpass.feed_reader() IS 'Who follows a feed: the client, with the purposes of its token, since they decide what it sees.';

CREATE FUNCTION hallpass.feed_withdraw(p_feed text, p_at timestamp with time zone, p_told timestamp with time zone) RETURNS TABLE(type text, id uuid, at timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_reader text := hallpass.feed_reader();
BEGIN
    WITH gone AS MATERIALIZED (
        SELECT DISTINCT e.type, e.id FROM hallpass.feed_entry e
        WHERE e.reader = v_reader AND e.feed = p_feed AND NOT EXISTS (
            SELECT 1 FROM hallpass.resource r WHERE r.compartment = e.compartment AND r.id = e.id AND r.current)
    ), forgotten AS (
        DELETE FROM hallpass.feed_entry e USING gone g WHERE e.reader = v_reader AND e.feed = p_feed AND e.id = g.id
    )
    INSERT INTO hallpass.feed_withdrawal SELECT v_reader, p_feed, g.type, g.id, p_at FROM gone g
    ON CONFLICT ON CONSTRAINT feed_withdrawal_pkey DO UPDATE SET at = p_at;
    RETURN QUERY SELECT w.type, w.id, w.at FROM hallpass.feed_withdrawal w
        WHERE w.reader = v_reader AND w.feed = p_feed AND w.at > p_told
          AND NOT EXISTS (SELECT 1 FROM hallpass.feed_entry e WHERE e.reader = v_reader AND e.feed = p_feed AND e.id = w.id)
          AND NOT EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.id = w.id AND r.current)
        ORDER BY w.at DESC, w.id;
END $$;

COMMENT ON FUNCTION hallpass.feed_withdraw(p_feed text, p_at timestamp with time zone, p_told timestamp with time zone) IS 'Which resources that a reader was given it no longer sees. Answers those of which it was not told by `p_told`. An
     invoker''s function: the wall says what is seen.';

CREATE FUNCTION hallpass.finish_subscription(p_id uuid, p_sent bigint, p_error text, p_wait interval) RETURNS interval
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    UPDATE subscription s SET
        lease = NULL, next_try = clock_timestamp() + p_wait, error = p_error,
        sent = greatest(s.sent, coalesce(p_sent, s.sent)),
        last_sent = CASE WHEN p_sent IS NULL THEN s.last_sent ELSE clock_timestamp() END,
        failures = CASE WHEN p_error IS NULL THEN 0 ELSE s.failures + 1 END,
        failing_since = CASE WHEN p_error IS NULL THEN NULL ELSE coalesce(s.failing_since, clock_timestamp()) END
    WHERE s.id = p_id RETURNING clock_timestamp() - s.failing_since
$$;

COMMENT ON FUNCTION hallpass.finish_subscription(p_id uuid, p_sent bigint, p_error text, p_wait interval) IS 'A worker is done with a Subscription for now: up to which number the endpoint took events (NULL: nothing was sent),
     or what went wrong, and when to look again. Returns for how long it has been failing.';

CREATE FUNCTION hallpass.fold_custody_counts() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    WITH many AS (SELECT h.custodian, h.type FROM custody_count h GROUP BY 1, 2 HAVING count(*) > 1),
    gone AS (DELETE FROM custody_count h USING many m WHERE h.custodian = m.custodian AND h.type = m.type RETURNING h.*),
    made AS (INSERT INTO custody_count SELECT g.custodian, g.type, sum(g.records) FROM gone g GROUP BY 1, 2 RETURNING 1)
    SELECT count(*) FROM gone WHERE (SELECT count(*) FROM made) >= 0
$$;

COMMENT ON FUNCTION hallpass.fold_custody_counts() IS 'Makes one row of the many of a custodian and type. One at a time: whoever calls it holds the lock of pruning.';

CREATE FUNCTION hallpass.forget_keyed(p_before timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    DELETE FROM idempotency_key WHERE expires < least(p_before, statement_time())
$$;

COMMENT ON FUNCTION hallpass.forget_keyed(p_before timestamp with time zone) IS 'Forgets idempotency keys that ended before a moment, and none that still counts.';

CREATE FUNCTION hallpass.given_before(p_compartment uuid, p_id uuid, p_version integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT EXISTS (SELECT 1 FROM disclosure d WHERE d.compartment = p_compartment AND d.id = p_id
                   AND d.version < p_version AND d.recipient = caller())
$$;

COMMENT ON FUNCTION hallpass.given_before(p_compartment uuid, p_id uuid, p_version integer) IS 'Whether the caller''s organization was given an earlier version of a record.';

CREATE FUNCTION hallpass.glass_broken(r_compartment uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT EXISTS (SELECT 1 FROM emergency e WHERE e.compartment = r_compartment AND e.organization = caller()
                   AND e.opens <= statement_time() AND statement_time() < e.closes)
$$;

CREATE FUNCTION hallpass.hangs_on_signers(r_labels text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT r_labels && '{42CFRPart2,minor-signs,both-sign}'::text[]
$$;

COMMENT ON FUNCTION hallpass.hangs_on_signers(r_labels text[]) IS 'Whether it depends on who signed a release that it opens a record with these labels: then the access index settles
     nothing, and the rule is asked live.';

CREATE FUNCTION hallpass.has_receipt(p_compartment uuid, p_consent uuid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT 1 FROM hallpass.receipt k
        WHERE k.compartment = p_compartment AND k.consent = p_consent AND k.recipient = ANY (hallpass.ancestors()))
$$;

COMMENT ON FUNCTION hallpass.has_receipt(p_compartment uuid, p_consent uuid) IS 'Whether the caller received something under a Consent. An invoker''s function.';

CREATE FUNCTION hallpass.holds(p_custodian uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT coalesce(p_custodian = hallpass.acting(), false) OR EXISTS (
        SELECT 1 FROM hallpass.tree t WHERE t.ancestor = hallpass.acting() AND t.id = p_custodian)
$$;

COMMENT ON FUNCTION hallpass.holds(p_custodian uuid) IS 'Whether what an organization holds is in the custody of the caller: its own, or that of a part of it.';

CREATE FUNCTION hallpass.honoring() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian)
            JOIN organization o ON o.id = c.custodian WHERE o.honor);
END $$;

COMMENT ON FUNCTION hallpass.honoring() IS 'Of the custodians whose releases name the caller, those that honor a parent''s signature past the 18th birthday.';

CREATE FUNCTION hallpass.identified(p_types text[], p_system text, p_value text) RETURNS TABLE(type text, id uuid)
    LANGUAGE sql STABLE
    AS $$
    SELECT r.type, r.id FROM hallpass.term_token t
    JOIN hallpass.resource r ON r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
    WHERE t.type = ANY (p_types) AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value
      AND hallpass.holds(r.custodian)
    LIMIT 2
$$;

COMMENT ON FUNCTION hallpass.identified(p_types text[], p_system text, p_value text) IS 'What the caller itself holds by this identifier: two at the most, since of several none is meant.';

CREATE FUNCTION hallpass.in_directory(type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT type IN ('HealthcareService', 'Location', 'Organization', 'OrganizationAffiliation', 'Practitioner', 'PractitionerRole', 'Questionnaire')
$$;

COMMENT ON FUNCTION hallpass.in_directory(type text) IS 'Whether resources of a type are of the directory, which every member sees.';

CREATE FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT NOT r_type IN ('Consent', 'Binary', 'Task') AND NOT r_labels && '{PSYTHPN,42CFRPart2}' $$;

COMMENT ON FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) IS 'Whether a record is one that a broken glass opens. What is covered where another record is (a Task, a Binary) is not: its
     own labels do not tell what the other has.';

CREATE FUNCTION hallpass.in_line(p_one uuid, p_other uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT p_one = p_other OR EXISTS (
        SELECT 1 FROM hallpass.tree t
        WHERE (t.ancestor, t.id) IN ((p_one, p_other), (p_other, p_one)))
$$;

COMMENT ON FUNCTION hallpass.in_line(p_one uuid, p_other uuid) IS 'Whether one organization is the other, a part of it, or what it is part of.';

CREATE FUNCTION hallpass.index_key(p_compartment uuid, p_custodian uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT uuid_hash_extended(p_custodian, uuid_hash_extended(p_compartment, 2)) $$;

COMMENT ON FUNCTION hallpass.index_key(p_compartment uuid, p_custodian uuid) IS 'The lock that orders records and releases of a custodian about a student: shared to store a record, exclusive to
     index all of them.';

CREATE FUNCTION hallpass.index_records(p_compartments uuid[], p_ids uuid[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_compartments uuid[] := p_compartments;
    v_ids          uuid[] := p_ids;
    v_written      integer;
BEGIN
    IF EXISTS (SELECT 1 FROM provision p WHERE p.compartment = ANY (p_compartments) AND p.related IS NOT NULL) THEN
        -- A release opens what a record refers to; so what any version of this one referred to may open or close now.
        SELECT array_agg(f.compartment), array_agg(f.id) INTO v_compartments, v_ids FROM (
            SELECT k.compartment, k.id FROM unnest(p_compartments, p_ids) k(compartment, id)
            UNION
            SELECT r.compartment, ref FROM unnest(p_compartments, p_ids) k(compartment, id)
            JOIN resource r ON r.compartment = k.compartment AND r.id = k.id CROSS JOIN unnest(r.refs) ref
            JOIN resource t ON t.compartment = r.compartment AND t.id = ref AND t.current AND t.custodian = r.custodian
            WHERE EXISTS (SELECT 1 FROM provision p WHERE p.compartment = k.compartment AND k.id = ANY (p.related))) f;
        -- It does not wait for who writes what refers to a Patient or RelatedPerson.
        PERFORM defer_index(r.compartment, r.custodian, true)
            FROM unnest(p_compartments, p_ids) k(compartment, id)
            JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.current
            WHERE r.type IN ('Patient', 'RelatedPerson') AND EXISTS (
                SELECT 1 FROM provision p WHERE p.compartment = k.compartment AND p.related IS NOT NULL);
    END IF;
    WITH due AS MATERIALIZED (SELECT * FROM expected_access_rows(v_compartments, v_ids)),
    gone AS (
        DELETE FROM access a USING (  -- EXCEPT takes as long as its rows are many, whatever the plan expects
            SELECT h.compartment, h.id, h.org, h.consent FROM unnest(v_compartments, v_ids) k(compartment, id)
                JOIN access h ON h.compartment = k.compartment AND h.id = k.id
            EXCEPT SELECT d.compartment, d.id, d.org, d.consent FROM due d) g
        WHERE a.compartment = g.compartment AND a.id = g.id AND a.org = g.org AND a.consent IS NOT DISTINCT FROM g.consent
        RETURNING 1
    ), made AS (
        INSERT INTO access AS a (compartment, id, org, consent, type, updated, custodian, precomputed)
        SELECT d.compartment, d.id, d.org, d.consent, d.type, d.updated, d.custodian, d.precomputed FROM due d
        ON CONFLICT (compartment, id, org, consent) DO UPDATE SET updated = EXCLUDED.updated, precomputed = EXCLUDED.precomputed
            WHERE (a.updated, a.precomputed) IS DISTINCT FROM (EXCLUDED.updated, EXCLUDED.precomputed)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone)::integer + (SELECT count(*) FROM made)::integer INTO v_written;
    RETURN v_written;
END $$;

COMMENT ON FUNCTION hallpass.index_records(p_compartments uuid[], p_ids uuid[]) IS 'Brings the access index up to date with some records, of any students. It writes what differs and nothing else, and
     returns how many rows that is.';

CREATE FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT coalesce(index_records(array_agg(p_compartment), array_agg(k.id)), 0) FROM (
        SELECT r.id FROM resource r
        WHERE r.compartment = p_compartment AND r.current AND (p_custodian IS NULL OR r.custodian = p_custodian)
        UNION
        SELECT a.id FROM access a
        WHERE a.compartment = p_compartment AND (p_custodian IS NULL OR a.custodian = p_custodian)) k
$$;

COMMENT ON FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid) IS 'Brings the access index up to date with a student''s records and releases, of one custodian where given. It writes what
     differs and nothing else, and returns how many rows that is.';

CREATE FUNCTION hallpass.instant() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$ SELECT clock_timestamp() $$;

COMMENT ON FUNCTION hallpass.instant() IS 'The wall clock, by which the ledger dates its entries.';

CREATE FUNCTION hallpass.judge(p_compartments uuid[], p_ids uuid[], p_versions integer[]) RETURNS TABLE(compartment uuid, id uuid, version integer, consent uuid, consent_version integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
        WHERE NOT r.type IN ('Binary', 'Task') AND (NOT (n.p).permit OR NOT hangs_on_signers(r.labels) OR signers_suffice(n.e, r.labels, r.clinical))
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
    WHERE r.type IN ('Binary', 'Task');
END $$;

COMMENT ON FUNCTION hallpass.judge(p_compartments uuid[], p_ids uuid[], p_versions integer[]) IS 'Of these versions (without one: of the current ones), those that a release opens to the caller now, and which release that is, the earliest of several; all in one statement.';

CREATE FUNCTION hallpass.keep_keyed(p_key bytea, p_request bytea, p_written jsonb, p_hours integer) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO hallpass.idempotency_key AS k (client, key, request, written, expires)
    VALUES (current_setting('hallpass.client'), p_key, p_request, p_written,
            hallpass.statement_time() + make_interval(hours => p_hours))
    ON CONFLICT (client, key) DO UPDATE
        SET request = EXCLUDED.request, written = EXCLUDED.written, expires = EXCLUDED.expires
        WHERE k.expires <= hallpass.statement_time()
$$;

COMMENT ON FUNCTION hallpass.keep_keyed(p_key bytea, p_request bytea, p_written jsonb, p_hours integer) IS 'Keeps what the caller''s request under an idempotency key wrote, in the transaction that wrote it.';

CREATE FUNCTION hallpass.keep_staff_passkey(p_session bytea, p_id bytea, p_key bytea, p_counter bigint, p_most integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO staff_passkey (id, client, public_key, counter, created)
        SELECT p_id, s.client, p_key, p_counter, instant()
        FROM staff_session s JOIN client c ON c.id = s.client AND c.disabled IS NULL
        WHERE s.digest = p_session AND s.until > instant()
          AND (SELECT count(*) FROM staff_passkey k WHERE k.client = s.client) < p_most
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

COMMENT ON FUNCTION hallpass.keep_staff_passkey(p_session bytea, p_id bytea, p_key bytea, p_counter bigint, p_most integer) IS 'Keeps a passkey of who is signed in by a session; false: they are not, it is there already, or they have so many.';

CREATE FUNCTION hallpass.lapsed_custodians() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(c.custodian), '{}') FROM releasing() c(custodian) WHERE agreed_since(c.custodian) > '-infinity'
$$;

COMMENT ON FUNCTION hallpass.lapsed_custodians() IS 'Of the custodians whose releases name the caller, those that may disclose to it by an agreement that had lapsed: only
     under releases that began since.';

CREATE FUNCTION hallpass.lock_agreements(p_disclosers uuid[], p_recipients uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_key bigint;
BEGIN
    FOR v_key IN SELECT DISTINCT hallpass.agreement_key(k.discloser, k.recipient)
                 FROM unnest(p_disclosers, p_recipients) AS k(discloser, recipient) ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.lock_agreements(p_disclosers uuid[], p_recipients uuid[]) IS 'Waits for the disclosures in flight under these agreements; those that come wait for this transaction''s end.';

CREATE FUNCTION hallpass.lock_chain() RETURNS smallint
    LANGUAGE plpgsql
    AS $$
DECLARE
    c_chains CONSTANT integer := 1024;        -- many, and any of them: ends that are written seldom stay small
    v_chain  integer := floor(random() * c_chains);
BEGIN
    FOR v_try IN 1..c_chains LOOP
        IF pg_try_advisory_xact_lock(1, v_chain) THEN
            RETURN v_chain;
        END IF;
        v_chain := (v_chain + 1) % c_chains;
    END LOOP;
    RAISE EXCEPTION 'all chains of the ledger are taken' USING ERRCODE = '55P03';
END $$;

COMMENT ON FUNCTION hallpass.lock_chain() IS 'A chain of the ledger in which nobody else enters until the end of this transaction. It waits for nobody.';

CREATE FUNCTION hallpass.lock_conditions(p_conditions uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_key bigint;
BEGIN
    FOR v_key IN SELECT DISTINCT hallpass.condition_key(c) FROM unnest(p_conditions) c ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.lock_conditions(p_conditions uuid[]) IS 'Takes the locks of conditions, in one order, before any lock of a record.';

CREATE FUNCTION hallpass.lock_create(p_compartment uuid, p_custodian uuid, p_id uuid, p_kind text, p_refs uuid[], OUT at timestamp with time zone, OUT ids uuid[], OUT types text[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Who may not see the student does not wait for those who write about it.
    IF p_compartment = p_id OR EXISTS (SELECT 1 FROM hallpass.seen(ARRAY[p_compartment])) THEN
        at := hallpass.lock_writes(ARRAY[p_compartment], ARRAY[p_custodian], ARRAY[p_id], ARRAY[p_kind]);
    END IF;
    SELECT coalesce(array_agg(s.id), '{}'), coalesce(array_agg(s.type), '{}') INTO ids, types FROM hallpass.seen(p_refs) s;
END $$;

COMMENT ON FUNCTION hallpass.lock_create(p_compartment uuid, p_custodian uuid, p_id uuid, p_kind text, p_refs uuid[], OUT at timestamp with time zone, OUT ids uuid[], OUT types text[]) IS 'Takes the locks of the creation of a record, and returns the time after the wait (NULL: the caller does not see the
     student, and nothing is locked) and which of its references lead to what the caller sees. An invoker''s function.';

CREATE TABLE hallpass.resource (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    custodian uuid NOT NULL,
    student uuid,
    directory boolean NOT NULL,
    current boolean NOT NULL,
    deleted boolean NOT NULL,
    updated timestamp with time zone NOT NULL,
    method text NOT NULL,
    body bytea NOT NULL,
    label_at integer NOT NULL,
    digest bytea NOT NULL,
    profiles text[] NOT NULL,
    codes text[] NOT NULL,
    confidentiality smallint NOT NULL,
    labels text[] NOT NULL,
    parties uuid[] NOT NULL,
    refs uuid[] NOT NULL,
    authors uuid[] NOT NULL,
    clinical tstzrange
);

CREATE FUNCTION hallpass.lock_current(p_compartment uuid, p_custodian uuid, p_type text, p_id uuid, p_kind text) RETURNS SETOF hallpass.resource
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM hallpass.lock_writes(ARRAY[p_compartment], ARRAY[p_custodian], ARRAY[p_id], ARRAY[p_kind]);
    RETURN QUERY SELECT * FROM hallpass.resource r WHERE r.id = p_id AND r.type = p_type AND r.current;
END $$;

COMMENT ON FUNCTION hallpass.lock_current(p_compartment uuid, p_custodian uuid, p_type text, p_id uuid, p_kind text) IS 'The current version, if the caller sees it, as it is under the locks to write.';

CREATE FUNCTION hallpass.lock_disclosure(p_compartments uuid[], p_custodians uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_key bigint;
BEGIN
    FOREACH v_key IN ARRAY hallpass.disclosure_keys(p_compartments, p_custodians) LOOP
        PERFORM pg_advisory_xact_lock_shared(v_key);
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.lock_disclosure(p_compartments uuid[], p_custodians uuid[]) IS 'Waits for the writes that may end a disclosure, and shares their locks with it.';

CREATE FUNCTION hallpass.lock_writes(p_compartments uuid[], p_custodians uuid[], p_ids uuid[], p_kinds text[]) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_lock record;
BEGIN
    FOR v_lock IN
        WITH w AS MATERIALIZED (
            SELECT k.*, EXISTS (
                SELECT 1 FROM release e JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent
                WHERE e.compartment = k.compartment AND e.custodian = k.custodian AND p.related IS NOT NULL) AS related
            FROM unnest(p_compartments, p_custodians, p_ids, p_kinds) AS k(compartment, custodian, id, kind)
        ), taken AS (
            SELECT 1 AS level, record_key(w.id) AS key, true AS exclusive, NULL::uuid AS compartment, NULL::uuid AS custodian
                FROM w WHERE w.kind NOT IN ('create', 'index')
            UNION ALL
            SELECT 2, index_key(w.compartment, w.custodian), w.kind IN ('sign', 'index') OR w.related AND w.kind <> 'party',
                   w.compartment, w.custodian FROM w WHERE w.kind <> 'policy'
            UNION ALL
            SELECT 3, release_key(w.compartment, w.custodian), true, NULL, NULL
                FROM w WHERE w.kind IN ('update', 'policy', 'sign', 'index')
            UNION ALL  -- releases of a part, or of what it is part of, rest on this one's records
            SELECT 3, release_key(w.compartment, o.custodian), true, NULL, NULL
                FROM w CROSS JOIN LATERAL (
                    SELECT e.custodian FROM release e WHERE e.compartment = w.compartment
                    UNION SELECT s.custodian FROM student s WHERE s.compartment = w.compartment
                    UNION SELECT a.custodian FROM authority a WHERE a.compartment = w.compartment) o
                WHERE w.kind IN ('policy', 'sign') AND in_line(o.custodian, w.custodian)
        )
        SELECT t.level, t.key, bool_or(t.exclusive) AS exclusive, min(t.compartment::text)::uuid AS compartment,
               min(t.custodian::text)::uuid AS custodian
        FROM taken t GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        IF v_lock.exclusive THEN
            PERFORM pg_advisory_xact_lock(v_lock.key);
        ELSE
            PERFORM pg_advisory_xact_lock_shared(v_lock.key);
        END IF;
    END LOOP;
    IF EXISTS (
        SELECT 1 FROM unnest(p_compartments, p_custodians, p_kinds) AS k(compartment, custodian, kind)
        JOIN release e ON e.compartment = k.compartment AND e.custodian = k.custodian
        JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent AND p.related IS NOT NULL
        WHERE k.kind IN ('create', 'update')
          AND NOT pg_try_advisory_xact_lock(index_key(k.compartment, k.custodian))) THEN
        RAISE EXCEPTION 'a release that reaches what records refer to came meanwhile' USING ERRCODE = '40001';
    END IF;
    RETURN CASE WHEN 'index' = ALL (p_kinds) THEN instant() ELSE stamp() END;
END $$;

COMMENT ON FUNCTION hallpass.lock_writes(p_compartments uuid[], p_custodians uuid[], p_ids uuid[], p_kinds text[]) IS 'Takes the locks of writes, in one order: of the records (1), of the index (2), of releases (3). Whoever holds one of
     the last waits for none of the others, so that what ends a release waits for disclosures alone. The kinds are
     create, update (by the custodian: it may end what is seen of the record), party (by another), policy (what releases
     rest on), sign (what opens more) and index. Returns the time after the wait: what is written has no earlier one.';

CREATE FUNCTION hallpass.next_link(before bytea, entries bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT sha256(coalesce(before, ''::bytea) || coalesce(entries, ''::bytea)) $$;

COMMENT ON FUNCTION hallpass.next_link(before bytea, entries bytea) IS 'The link of a batch with these entries, behind the one before.';

CREATE FUNCTION hallpass.note_closed_records() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM witness_check) THEN
        INSERT INTO ending (kind, was)
            SELECT 'record', jsonb_build_object('type', n.type, 'id', n.id, 'custodian', n.custodian, 'deleted', n.deleted)
            FROM new_rows n JOIN resource b ON b.compartment = n.compartment AND b.id = n.id AND b.version = n.version - 1
            WHERE NOT n.directory AND NOT b.deleted
              AND (n.deleted OR n.confidentiality > b.confidentiality OR NOT n.labels <@ b.labels);
        IF FOUND AND database_is_current() THEN
            RAISE NOTICE USING MESSAGE = pg_current_xact_id()::text, ERRCODE = '00W01';  -- app/db/driver.py waits
        END IF;
    END IF;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION hallpass.note_closed_records() IS 'Notes for the witness which records were deleted or got a stricter label.';

CREATE FUNCTION hallpass.note_ending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM witness_check) THEN
        INSERT INTO ending (kind, was)
            VALUES (TG_ARGV[0], CASE WHEN TG_ARGV[0] IN ('client', 'organization') THEN to_jsonb(NEW)
                WHEN TG_ARGV[0] IN ('transfer', 'subscription') THEN jsonb_build_object('id', to_jsonb(OLD) -> 'id')
                WHEN TG_ARGV[0] = 'sync_source' THEN jsonb_build_object('name', to_jsonb(OLD) -> 'name')
                ELSE to_jsonb(OLD) - 'sealed' END);
        IF database_is_current() THEN
            RAISE NOTICE USING MESSAGE = pg_current_xact_id()::text, ERRCODE = '00W01';  -- app/db/driver.py waits
        END IF;
    END IF;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION hallpass.note_ending() IS 'Notes for the witness that a row which opens something is gone or changed. A sealed secret stays out of it.';

CREATE FUNCTION hallpass.operating_figures() RETURNS TABLE(name text, help text, value double precision)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    VALUES
    ('organizations', 'Members and their departments.', (SELECT count(*)::double precision FROM hallpass.organization)),
    ('clients', 'Clients that are not disabled.', (SELECT count(*) FROM hallpass.client WHERE disabled IS NULL)),
    ('releases', 'Signed releases whose period covers now.',
        (SELECT count(*) FROM hallpass.release WHERE opens <= now() AND now() < closes)),
    ('releases_ending_30_days', 'Of these, how many end within 30 days.',
        (SELECT count(*) FROM hallpass.release WHERE opens <= now() AND now() < closes AND closes < now() + interval '30 days')),
    ('ledger_batches', 'Batches that the ledger holds.', (SELECT coalesce(sum(n), 0) FROM hallpass.chain_end)),
    ('index_backlog', 'Students whose ended releases are still to be cleared from the index.',
        (SELECT count(*) FROM hallpass.index_backlog)),
    ('worker_lives', '1: a worker gave a sign of life lately. 0: nothing is tidied, and nobody is notified.',
        (SELECT hallpass.worker_lives()::integer)),
    ('jobs_waiting', 'Background jobs that are due and wait.',
        (SELECT count(*) FROM hallpass.job WHERE status = 'queued' AND execute_after <= now())),
    ('jobs_oldest_seconds', 'Age of the oldest of them.',
        (SELECT coalesce(max(extract(epoch FROM now() - execute_after)), 0) FROM hallpass.job
            WHERE status = 'queued' AND execute_after <= now())),
    ('jobs_failed', 'Background jobs that were tried as often as they may be.',
        (SELECT count(*) FROM hallpass.job WHERE status = 'failed')),
    ('subscriptions_failing', 'Subscriptions whose endpoint does not take notifications.',
        (SELECT count(*) FROM hallpass.subscription WHERE status = 'error' OR failing_since IS NOT NULL AND status = 'active')),
    ('notifications_waiting', 'Events that have a number and were not taken yet.',
        (SELECT coalesce(sum(events - sent), 0) FROM hallpass.subscription WHERE status = 'active')),
    ('locks_waiting', 'Connections that wait for a lock.',
        (SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))),
    ('oldest_transaction_seconds', 'Age of the oldest transaction under way: feeds stop short of it.',
        (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid())),
    ('database_bytes', 'Size of the database on disk.', pg_database_size(current_database())),
    ('witness_current', '1: the database is as new as its witness, or has none. 0: nothing leaves.',
        (SELECT hallpass.database_is_current()::integer)),
    ('witness_waiting', 'Endings that the witness does not have yet: none of them is acknowledged.',
        (SELECT count(*) FROM hallpass.ending)),
    ('standbys_follow', '1: as many standbys follow as a commit waits for. 0: commits wait for a standby that is not there.',
        (SELECT hallpass.standbys_follow()::integer))
$$;

COMMENT ON FUNCTION hallpass.operating_figures() IS 'What an operator watches, as numbers without a word about anybody. Only the owner of the tables calls it.';

CREATE FUNCTION hallpass.part2_age(p_state text, p_on date) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
    SELECT max(j.age) FROM (VALUES ('CA', 12, '2011-01-01'::date, NULL::date), ('WA', 13, '2018-04-01'::date, NULL::date), ('FL', 0, '2017-01-01'::date, NULL::date), ('IL', 12, '2019-01-01'::date, NULL::date), ('NY', 18, '2024-01-01'::date, NULL::date), ('TX', 0, '1995-04-20'::date, NULL::date)) j(state, age, since, until)
    WHERE j.state = p_state AND j.since <= p_on AND (j.until IS NULL OR p_on < j.until)
$$;

COMMENT ON FUNCTION hallpass.part2_age(p_state text, p_on date) IS 'The age from which a minor is treated for substance use alone in a state; NULL where no row says so. The rows are
     those of app/consent/jurisdictions.json.';

CREATE FUNCTION hallpass.partition_ledger(p_from date, p_until date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION hallpass.partition_ledger(p_from date, p_until date) IS 'Makes the partitions of the ledger, a quarter of a year each in UTC, that cover a span and are not there yet.';

CREATE FUNCTION hallpass.party_versions(p_types text[]) RETURNS TABLE(compartment uuid, id uuid, version integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT r.compartment, r.id, r.version FROM resource r
    WHERE r.parties <> '{}' AND r.parties && ancestors() AND r.type = ANY (p_types) AND NOT holds(r.custodian)
    UNION
    SELECT r.compartment, r.id, r.version FROM receipt k JOIN resource r ON r.compartment = k.compartment AND r.id = k.consent
    WHERE k.recipient = ANY (ancestors()) AND 'Consent' = ANY (p_types) AND NOT holds(r.custodian)
$$;

COMMENT ON FUNCTION hallpass.party_versions(p_types text[]) IS 'The versions of others'' resources that the caller sees as a party, for the history of a type.';

CREATE FUNCTION hallpass.permitting_by_referrer(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_confidentiality smallint, r_labels text[]) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT o.consent FROM resource f
    CROSS JOIN LATERAL (SELECT consent_permitting(
        f.compartment, f.custodian, f.type, f.id, f.profiles, f.codes, f.confidentiality, f.labels, f.refs, f.authors,
        f.clinical) IS NOT NULL AS seen OFFSET 0) s
    CROSS JOIN LATERAL (SELECT consent_permitting(
        f.compartment, f.custodian, f.type, f.id, f.profiles || r_profiles || r_type, f.codes,
        greatest(f.confidentiality, r_confidentiality), f.labels || r_labels, f.refs, f.authors,
        f.clinical) AS consent WHERE s.seen OFFSET 0) o
    WHERE f.compartment = r_compartment AND f.custodian = r_custodian AND f.current AND NOT f.deleted
      AND r_id = ANY (f.refs) AND NOT f.type IN ('Binary', 'Task') AND o.consent IS NOT NULL
    ORDER BY f.id LIMIT 1
$$;

COMMENT ON FUNCTION hallpass.permitting_by_referrer(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_confidentiality smallint, r_labels text[]) IS 'The Consent that opens a Binary to the caller now, as the record of the same custodian that refers to it: that record
     is seen, and is so with the label of the Binary as well, and its type.';

CREATE FUNCTION hallpass.place_key(p_organization uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT uuid_hash_extended(p_organization, 5) $$;

COMMENT ON FUNCTION hallpass.place_key(p_organization uuid) IS 'The lock that orders disclosures by or to an organization, or a part of it, and its move in the tree.';

CREATE FUNCTION hallpass.place_organization(p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text DEFAULT NULL::text, p_classes uuid[] DEFAULT '{}'::uuid[]) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_old   organization;
    v_ancestors uuid[];
    v_compartment uuid;
    c_depth CONSTANT integer := 12;
BEGIN
    SELECT * INTO v_old FROM organization o WHERE o.id = p_id;
    IF v_old.id IS NULL THEN  -- what it becomes a part of keeps its place until this is committed
        PERFORM pg_advisory_xact_lock_shared(place_key(t.ancestor)) FROM tree t WHERE t.id = p_parent ORDER BY t.ancestor;
    ELSIF v_old.ancestors[2] IS DISTINCT FROM p_parent OR v_old.classes <> p_classes THEN
        PERFORM pg_advisory_xact_lock(place_key(p_id));
    END IF;
    SELECT ARRAY[p_id] || coalesce((SELECT o.ancestors FROM organization o WHERE o.id = p_parent), '{}') INTO v_ancestors;
    IF p_id = ANY (v_ancestors[2:]) THEN
        RETURN 'cycle';
    END IF;
    IF v_old.ancestors IS DISTINCT FROM v_ancestors AND cardinality(v_ancestors) > c_depth THEN
        RETURN 'deep';
    END IF;
    IF v_old.ancestors <> v_ancestors AND caller() IS NOT NULL AND EXISTS (
        SELECT 1 FROM client c JOIN tree t ON t.id = c.organization WHERE t.ancestor = p_id) THEN
        RETURN 'member';
    END IF;
    IF (v_old.zone, v_old.honor, v_old.state) IS DISTINCT FROM (p_zone, p_honour, p_state) AND caller() <> p_id AND EXISTS (
        SELECT 1 FROM client c WHERE c.organization = p_id) THEN
        RETURN 'member';
    END IF;
    INSERT INTO organization VALUES (p_id, v_ancestors, p_zone, p_honour, p_state, p_classes)
        ON CONFLICT (id) DO UPDATE
            SET ancestors = v_ancestors, zone = p_zone, honor = p_honour, state = p_state, classes = p_classes;
    IF v_old.id IS NULL THEN
        INSERT INTO tree SELECT t.ancestor, p_id FROM tree t WHERE t.id = p_parent UNION ALL SELECT p_id, p_id;
    ELSIF v_old.ancestors <> v_ancestors THEN
        UPDATE organization o SET ancestors = o.ancestors[:array_position(o.ancestors, p_id) - 1] || v_ancestors
            WHERE o.ancestors @> ARRAY[p_id] AND o.id <> p_id;
        DELETE FROM tree t USING tree d 
            WHERE d.ancestor = p_id AND t.id = d.id
              AND NOT EXISTS (SELECT 1 FROM tree s WHERE s.ancestor = p_id AND s.id = t.ancestor);
        INSERT INTO tree SELECT a.ancestor, d.id FROM tree d CROSS JOIN tree a 
            WHERE d.ancestor = p_id AND a.id = p_parent ON CONFLICT DO NOTHING;
    END IF;
    IF v_old.zone <> p_zone THEN  -- a birthday begins there at another moment
        FOR v_compartment IN SELECT DISTINCT e.compartment FROM release e WHERE e.custodian = p_id ORDER BY 1 LOOP
            PERFORM refresh_validity(v_compartment, p_id);
        END LOOP;
    END IF;
    RETURN 'placed';
END $$;

COMMENT ON FUNCTION hallpass.place_organization(p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text, p_classes uuid[]) IS 'Puts an organization in its place in the tree: a row, and one for each that it is part of. Returns placed; or, and
     nothing done, cycle (it would be part of itself), deep (too many above it) or member (it calls for itself, so that
     its place, and who sees its records, is the operator''s to change).';

CREATE FUNCTION hallpass.provision_matches(p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT hallpass.conditions_match(p, part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs, r_authors,
                         r_clinical, p.related IS NOT NULL AND hallpass.refers(p.compartment, p.related, focal_custodian, r_id))
$$;

COMMENT ON FUNCTION hallpass.provision_matches(p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) IS 'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts.';

CREATE FUNCTION hallpass.purposes() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.purposes', true), ''), '{}')::text[] $$;

CREATE FUNCTION hallpass.put_authorities(p_compartments uuid[], p_ids uuid[], p_custodians uuid[], p_opens timestamp with time zone[], p_closes timestamp with time zone[], p_adult boolean[], p_new boolean[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        WITH k AS MATERIALIZED (
            SELECT * FROM unnest(p_compartments, p_ids, p_custodians, p_opens, p_closes, p_adult, p_new)
                k(compartment, id, custodian, opens, closes, adult, new)
        ), gone AS (
            DELETE FROM hallpass.authority a USING k
            WHERE a.compartment = k.compartment AND a.id = k.id AND k.opens IS NULL
            RETURNING a.compartment, a.id
        ), made AS (
            INSERT INTO hallpass.authority AS a (compartment, id, custodian, opens, closes, adult)
                SELECT k.compartment, k.id, k.custodian, k.opens, k.closes, k.adult FROM k WHERE k.opens IS NOT NULL
            ON CONFLICT (compartment, id) DO UPDATE SET opens = EXCLUDED.opens, closes = EXCLUDED.closes, adult = EXCLUDED.adult
                WHERE (a.opens, a.closes, a.adult) IS DISTINCT FROM (EXCLUDED.opens, EXCLUDED.closes, EXCLUDED.adult)
            RETURNING a.compartment, a.id
        )
        SELECT DISTINCT k.compartment, k.custodian FROM k JOIN (TABLE gone UNION ALL TABLE made) c USING (compartment, id)
        WHERE NOT k.new
    LOOP
        PERFORM set_config('synchronous_commit', 'remote_apply', true);  -- no standby serves what this ends
        PERFORM hallpass.refresh_validity(v_changed.compartment, v_changed.custodian);
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.put_authorities(p_compartments uuid[], p_ids uuid[], p_custodians uuid[], p_opens timestamp with time zone[], p_closes timestamp with time zone[], p_adult boolean[], p_new boolean[]) IS 'Keeps what releases need of RelatedPersons: the window of their authority; NULL: they have none. `p_new`: no release
     can rest on the person yet. An invoker''s function.';

CREATE FUNCTION hallpass.put_many(p_rows hallpass.resource_version[], p_terms jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_records   uuid[];
    v_students  uuid[];
    v_all       uuid[];
    v_places    uuid[];
    v_replace   boolean;
BEGIN
    SELECT array_agg(n.compartment), array_agg(n.id), coalesce(bool_or(n.version > 1), false),
           array_agg(n.compartment) FILTER (WHERE NOT n.directory), array_agg(n.id) FILTER (WHERE NOT n.directory)
        INTO v_places, v_all, v_replace, v_students, v_records
        FROM unnest(p_rows) n;
    IF v_replace THEN
        UPDATE hallpass.resource r SET current = false FROM unnest(v_places, v_all) k(compartment, id)
            WHERE r.compartment = k.compartment AND r.id = k.id AND r.current;
    END IF;
    INSERT INTO hallpass.resource (compartment, id, version, type, custodian, student, directory, current, deleted,
                                   updated, method, body, label_at, digest, profiles, codes, confidentiality, labels,
                                   parties, refs, authors, clinical)
        SELECT n.* FROM unnest(p_rows) n;
    IF v_records IS NOT NULL THEN
        PERFORM hallpass.index_records(v_students, v_records);
    END IF;
    PERFORM hallpass.put_terms(v_places, v_all, p_terms, v_replace);
END $$;

COMMENT ON FUNCTION hallpass.put_many(p_rows hallpass.resource_version[], p_terms jsonb) IS 'Stores versions of different records as the current ones, and brings both indexes up to date with them, all in a few
     statements whatever their number. `p_terms` holds a list for each kind of term, with a list of terms for each row. An
     invoker''s function: the wall judges what it writes.';

CREATE FUNCTION hallpass.put_students(p_compartments uuid[], p_custodians uuid[], p_from date[], p_to date[], p_emancipated timestamp with time zone[], p_enrolled timestamp with time zone[], p_new boolean[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        WITH k AS MATERIALIZED (
            SELECT * FROM unnest(p_compartments, p_custodians, p_from, p_to, p_emancipated, p_enrolled, p_new)
                k(compartment, custodian, born_from, born_to, emancipated, enrolled, new)
        ), gone AS (
            DELETE FROM hallpass.student s USING k WHERE s.compartment = k.compartment AND k.born_from IS NULL
            RETURNING s.compartment
        ), made AS (
            INSERT INTO hallpass.student AS s (compartment, custodian, born_from, born_to, emancipated, enrolled)
                SELECT k.compartment, k.custodian, k.born_from, k.born_to, k.emancipated, k.enrolled FROM k WHERE k.born_from IS NOT NULL
            ON CONFLICT (compartment) DO UPDATE SET born_from = EXCLUDED.born_from, born_to = EXCLUDED.born_to,
                    emancipated = EXCLUDED.emancipated, enrolled = EXCLUDED.enrolled
                WHERE (s.born_from, s.born_to, s.emancipated, s.enrolled) IS DISTINCT FROM
                      (EXCLUDED.born_from, EXCLUDED.born_to, EXCLUDED.emancipated, EXCLUDED.enrolled)
            RETURNING s.compartment
        )
        SELECT k.compartment, k.custodian FROM k JOIN (TABLE gone UNION ALL TABLE made) c USING (compartment) WHERE NOT k.new
    LOOP
        PERFORM set_config('synchronous_commit', 'remote_apply', true);  -- no standby serves what this ends
        PERFORM hallpass.refresh_validity(v_changed.compartment, v_changed.custodian);
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.put_students(p_compartments uuid[], p_custodians uuid[], p_from date[], p_to date[], p_emancipated timestamp with time zone[], p_enrolled timestamp with time zone[], p_new boolean[]) IS 'Keeps what releases need of Patients: the first and last possible day of birth (NULL: not known), and
     from when the student signs as an adult. `p_new`: no release
     can rest on the Patient yet. An invoker''s function.';

CREATE FUNCTION hallpass.put_terms(p_compartments uuid[], p_ids uuid[], p_terms jsonb, p_replace boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_custodians uuid[];
    v_types      text[];
BEGIN
    SELECT array_agg(r.custodian ORDER BY k.row), array_agg(r.type ORDER BY k.row) INTO v_custodians, v_types
        FROM unnest(p_compartments, p_ids) WITH ORDINALITY k(compartment, id, row)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.current
        WHERE holds(r.custodian) OR (r.type IN ('Task') AND r.parties && ancestors());
    IF cardinality(v_custodians) IS DISTINCT FROM cardinality(p_ids) THEN
        RAISE EXCEPTION 'only who writes a resource writes its terms';
    END IF;
    IF p_replace THEN
        DELETE FROM term_token t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_string t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_reference t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_date t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_quantity t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_uri t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
    END IF;
    IF p_terms ? 'term_token' THEN
        INSERT INTO term_token (compartment, id, custodian, type, param, n, system, code)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.system, x.code
            FROM jsonb_array_elements(p_terms -> 'term_token') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, system text, code text))
                WITH ORDINALITY x(param, system, code, n);
    END IF;
    IF p_terms ? 'term_string' THEN
        INSERT INTO term_string (compartment, id, custodian, type, param, n, folded, exact)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.folded, x.exact
            FROM jsonb_array_elements(p_terms -> 'term_string') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, folded text, exact text))
                WITH ORDINALITY x(param, folded, exact, n);
    END IF;
    IF p_terms ? 'term_reference' THEN
        INSERT INTO term_reference (compartment, id, custodian, type, param, n, target_type, target, url, system, code)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.target_type, x.target, x.url, x.system, x.code
            FROM jsonb_array_elements(p_terms -> 'term_reference') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, target_type text, target uuid, url text, system text, code text))
                WITH ORDINALITY x(param, target_type, target, url, system, code, n);
    END IF;
    IF p_terms ? 'term_date' THEN
        INSERT INTO term_date (compartment, id, custodian, type, param, n, lower, upper)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.lower, x.upper
            FROM jsonb_array_elements(p_terms -> 'term_date') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, lower timestamptz, upper timestamptz))
                WITH ORDINALITY x(param, lower, upper, n);
    END IF;
    IF p_terms ? 'term_quantity' THEN
        INSERT INTO term_quantity (compartment, id, custodian, type, param, n, low, high, system, code, unit)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.low, x.high, x.system, x.code, x.unit
            FROM jsonb_array_elements(p_terms -> 'term_quantity') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, low numeric, high numeric, system text, code text, unit text))
                WITH ORDINALITY x(param, low, high, system, code, unit, n);
    END IF;
    IF p_terms ? 'term_uri' THEN
        INSERT INTO term_uri (compartment, id, custodian, type, param, n, value)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.value
            FROM jsonb_array_elements(p_terms -> 'term_uri') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, value text))
                WITH ORDINALITY x(param, value, n);
    END IF;
END $$;

COMMENT ON FUNCTION hallpass.put_terms(p_compartments uuid[], p_ids uuid[], p_terms jsonb, p_replace boolean) IS 'Stores the terms of resources: `p_terms` holds a list for each kind that there is any of, with a list of terms for each
     resource. With p_replace those before are taken away first.';

CREATE FUNCTION hallpass.queried(p_types text[], p_party_types text[], p_students uuid[]) RETURNS TABLE(custodian uuid, students integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    IF p_students IS NULL THEN
        RETURN QUERY
        WITH readable AS MATERIALIZED (
            SELECT k.custodian, k.compartment FROM unnest(ancestors()) o(org) CROSS JOIN LATERAL (
                SELECT k.custodian, k.compartment FROM active_release k
                WHERE k.org = o.org AND (k.types IS NULL OR k.types && p_types) OFFSET 0) k
            UNION ALL
            SELECT a.custodian, a.compartment FROM unnest(ancestors()) o(org) CROSS JOIN unnest(p_party_types) t(type)
            CROSS JOIN LATERAL (
                SELECT a.custodian, a.compartment FROM access a
                WHERE a.org = o.org AND a.type = t.type AND a.consent IS NULL OFFSET 0) a
            UNION ALL
            SELECT r.custodian, r.compartment FROM emergency m CROSS JOIN LATERAL (
                SELECT r.custodian, r.compartment FROM resource r WHERE r.compartment = m.compartment AND r.current
                  AND r.student IS NOT NULL AND r.type = ANY (p_types) AND in_emergency(r.type, r.labels) OFFSET 0) r
            WHERE emergency() AND m.organization = caller() AND m.opens <= statement_time() AND statement_time() < m.closes
        ), counted AS MATERIALIZED (  -- first: asked of each row, whose it is would cost more than all the rest
            SELECT r.custodian, count(*)::integer AS students
            FROM (SELECT DISTINCT x.custodian, x.compartment FROM readable x) r GROUP BY r.custodian
        )
        SELECT c.custodian, c.students FROM counted c WHERE NOT holds(c.custodian);
    ELSE
        RETURN QUERY
        WITH readable AS MATERIALIZED (
            SELECT k.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT k.custodian FROM active_release k
                WHERE k.compartment = s.student AND k.org = ANY (ancestors()) AND (k.types IS NULL OR k.types && p_types) OFFSET 0) k
            UNION ALL
            SELECT a.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT a.custodian FROM access a
                WHERE a.compartment = s.student AND a.org = ANY (ancestors()) AND a.type = ANY (p_party_types)
                  AND a.consent IS NULL OFFSET 0) a
            UNION ALL
            SELECT r.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT r.custodian FROM resource r WHERE emergency() AND glass_broken(s.student) AND r.compartment = s.student
                  AND r.current AND r.student IS NOT NULL AND r.type = ANY (p_types) AND in_emergency(r.type, r.labels) OFFSET 0) r
        ), counted AS MATERIALIZED (
            SELECT r.custodian, count(*)::integer AS students
            FROM (SELECT DISTINCT x.custodian, x.student FROM readable x) r GROUP BY r.custodian
        )
        SELECT c.custodian, c.students FROM counted c WHERE NOT holds(c.custodian);
    END IF;
END $$;

COMMENT ON FUNCTION hallpass.queried(p_types text[], p_party_types text[], p_students uuid[]) IS 'Whose records of these types a query of the caller reads, and of how many students each: all whose releases name
     it now, or of these students alone. What one custodian is told hangs on its own records and releases.';

CREATE FUNCTION hallpass.reached() RETURNS TABLE(compartment uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT k.compartment, k.custodian FROM unnest(ancestors()) o(org)
    CROSS JOIN LATERAL (SELECT k.compartment, k.custodian FROM active_release k WHERE k.org = o.org OFFSET 0) k
    UNION
    SELECT m.compartment, NULL FROM emergency m
    WHERE emergency() AND m.organization = caller() AND m.opens <= statement_time() AND statement_time() < m.closes
$$;

COMMENT ON FUNCTION hallpass.reached() IS 'The students of whom an active release, or a broken glass, may open something to the caller, and whose records
     (NULL: of any custodian). Each version is judged by itself all the same.';

CREATE FUNCTION hallpass.read(p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[], p_ids uuid[], p_versions integer[]) RETURNS TABLE(ask bigint, state text, own boolean, compartment uuid, id uuid, version integer, type text, custodian uuid, student uuid, directory boolean, current boolean, deleted boolean, updated timestamp with time zone, method text, body bytea, label_at integer, digest bytea, ground uuid, ground_version integer, scope text, redisclosable boolean)
    LANGUAGE plpgsql
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_caller  jsonb;
    v_number  integer;
    v_standing boolean;
    v_asks    bigint[];
    v_rows    resource[];
    v_go      record;
    v_entered record;
BEGIN
    FOR v_caller, v_number IN SELECT c.value, c.ordinality FROM jsonb_array_elements(p_callers) WITH ORDINALITY c LOOP
        v_standing := set_caller_from_json(v_caller, p_agreement);
        IF v_standing THEN
            SELECT array_agg(k.n), array_agg(r) INTO v_asks, v_rows
                FROM unnest(p_caller, p_types, p_ids, p_versions) WITH ORDINALITY AS k(caller, type, id, version, n)
                CROSS JOIN LATERAL (
                    SELECT s FROM resource s WHERE s.id = k.id AND s.type = k.type
                        AND CASE WHEN k.version IS NULL THEN s.current ELSE s.version = k.version END) AS x(r)
                WHERE k.caller = v_number;
            SELECT array_agg(p_requests[v_asks[r.ordinality]]) AS requests,
                   array_agg(p_interactions[v_asks[r.ordinality]]) AS interactions, array_agg(r.compartment) AS compartments,
                   array_agg(r.id) AS ids, array_agg(r.version) AS versions, array_agg(r.custodian) AS custodians,
                   coalesce(array_agg(r.compartment) FILTER (WHERE NOT r.directory), '{}') AS locked_compartments,
                   coalesce(array_agg(r.custodian) FILTER (WHERE NOT r.directory), '{}') AS locked_custodians
                INTO v_go FROM unnest(v_rows) WITH ORDINALITY AS r WHERE NOT r.deleted AND r.custodian <> caller();
            SELECT 0 AS entered, ARRAY[caller()] AS own, NULL::uuid[] AS ground_ids, NULL::integer[] AS ground_versions,
                   NULL::uuid[] AS grounds, NULL::integer[] AS grounds_versions, NULL::text[] AS scopes, NULL::boolean[] AS redisclosable INTO v_entered;
            IF v_go.ids IS NOT NULL THEN
                SELECT d.entered, d.own || caller() AS own, d.ground_ids, d.ground_versions, d.grounds, d.grounds_versions, d.scopes,
                       d.redisclosable
                    INTO v_entered FROM disclose(
                    nullif(v_caller->'agent', 'null'), ARRAY(SELECT jsonb_array_elements_text(v_caller->'purposes')),
                    v_go.requests, v_go.interactions, v_go.compartments, v_go.ids, v_go.versions, v_go.custodians,
                    v_go.locked_compartments, v_go.locked_custodians) d;
                IF v_entered.entered >= 0
                   AND v_entered.entered <> (SELECT count(*) FROM unnest(v_go.custodians) c WHERE NOT c = ANY (v_entered.own)) THEN
                    RAISE EXCEPTION 'what was seen is no longer visible' USING ERRCODE = '40001';
                END IF;
                v_standing := v_entered.entered <> -1;
            END IF;
        END IF;
        IF NOT v_standing THEN
            RETURN QUERY SELECT k.n, 'out', NULL::boolean, NULL::uuid, NULL::uuid, NULL::integer, NULL::text, NULL::uuid,
                NULL::uuid, NULL::boolean, NULL::boolean, NULL::boolean, NULL::timestamptz, NULL::text, NULL::bytea,
                NULL::integer, NULL::bytea, NULL::uuid, NULL::integer, NULL::text, NULL::boolean
                FROM unnest(p_caller) WITH ORDINALITY AS k(caller, n) WHERE k.caller = v_number;
        ELSE
            RETURN QUERY SELECT v_asks[r.ordinality],
                CASE WHEN v_entered.entered = -2 AND r.custodian <> caller() THEN 'held' ELSE 'seen' END,
                r.custodian = ANY (v_entered.own), r.compartment, r.id, r.version, r.type,
                r.custodian, r.student, r.directory, r.current, r.deleted, r.updated, r.method, r.body, r.label_at, r.digest,
                g.consent, g.version, g.scope, g.redisclosable
                FROM unnest(v_rows) WITH ORDINALITY AS r LEFT JOIN LATERAL (
                    SELECT k.consent, k.version, k.scope, k.redisclosable
                    FROM unnest(v_entered.ground_ids, v_entered.ground_versions, v_entered.grounds, v_entered.grounds_versions,
                                v_entered.scopes, v_entered.redisclosable) AS k(id, of, consent, version, scope, redisclosable)
                    WHERE k.id = r.id AND k.of = r.version LIMIT 1) g ON true;
        END IF;
    END LOOP;
END $$;

COMMENT ON FUNCTION hallpass.read(p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[], p_ids uuid[], p_versions integer[]) IS 'The reads of several callers, judged, entered on the ledger and answered in one statement, so that they share one
     commit. An ask without a row: nothing is there that its caller sees. State held: a write is going on that may end
     it, ask alone. State out: the caller does not stand.';

CREATE FUNCTION hallpass.record_command(p_organization uuid, p_detail text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), 'command', p_organization, 'operator', '0', p_detail, instant(), instant(), 1
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;

CREATE FUNCTION hallpass.record_key(p_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT uuid_hash_extended(p_id, 1) $$;

COMMENT ON FUNCTION hallpass.record_key(p_id uuid) IS 'The lock that orders the versions of one record.';

CREATE FUNCTION hallpass.record_security_event(p_kind text, p_client text, p_outcome text, p_detail text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), p_kind, c.organization, c.id, p_outcome, p_detail, instant(), instant(), 1
    FROM client c WHERE c.id = p_client
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;

COMMENT ON FUNCTION hallpass.record_security_event(p_kind text, p_client text, p_outcome text, p_detail text) IS 'Notes an event of a registered client for its organization; nothing where there is no such client.';

CREATE FUNCTION hallpass.referral_of(p_compartment uuid, p_custodian uuid, p_refs uuid[]) RETURNS hallpass.resource
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_found hallpass.resource;
    v_count integer := 0;
BEGIN
    FOR v_found IN
        SELECT * FROM hallpass.resource r
        WHERE r.compartment = p_compartment AND r.id = ANY (p_refs) AND r.type = 'ServiceRequest' AND r.current
          AND NOT r.deleted AND r.custodian = p_custodian
        LIMIT 2
    LOOP
        v_count := v_count + 1;
    END LOOP;
    RETURN CASE WHEN v_count = 1 THEN v_found END;
END $$;

COMMENT ON FUNCTION hallpass.referral_of(p_compartment uuid, p_custodian uuid, p_refs uuid[]) IS 'The one current referral of a custodian among what a Task refers to; NULL where there is none or are several.';

CREATE FUNCTION hallpass.refers(p_compartment uuid, p_from uuid[], p_custodian uuid, p_to uuid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT 1 FROM hallpass.resource f
        WHERE f.compartment = p_compartment AND f.id = ANY (p_from) AND f.current AND NOT f.deleted AND f.custodian = p_custodian
          AND p_to = ANY (f.refs))
$$;

COMMENT ON FUNCTION hallpass.refers(p_compartment uuid, p_from uuid[], p_custodian uuid, p_to uuid) IS 'Whether one of these resources, of this custodian, refers to another.';

CREATE FUNCTION hallpass.refresh_validity(p_compartment uuid, p_custodian uuid) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
    WITH due AS MATERIALIZED (SELECT * FROM expected_validity(p_compartment) v WHERE in_line(v.custodian, p_custodian)),
    made AS (
        INSERT INTO validity AS k (org, consent, compartment, version, custodian, since, until, majority, purposes,
                                   root_since, root_until, types)
        SELECT d.org, d.consent, d.compartment, d.version, d.custodian, d.since, d.until, d.majority, d.purposes,
               d.root_since, d.root_until, d.types FROM due d
        ON CONFLICT (org, consent) DO UPDATE
            SET version = EXCLUDED.version, since = EXCLUDED.since, until = EXCLUDED.until, majority = EXCLUDED.majority,
                purposes = EXCLUDED.purposes, root_since = EXCLUDED.root_since, root_until = EXCLUDED.root_until,
                types = EXCLUDED.types
            WHERE (k.version, k.since, k.until, k.majority, k.purposes, k.root_since, k.root_until, k.types) IS DISTINCT FROM
                  (EXCLUDED.version, EXCLUDED.since, EXCLUDED.until, EXCLUDED.majority, EXCLUDED.purposes,
                   EXCLUDED.root_since, EXCLUDED.root_until, EXCLUDED.types)
        RETURNING 1
    ), gone AS (
        DELETE FROM validity k WHERE k.compartment = p_compartment AND in_line(k.custodian, p_custodian)
          AND NOT EXISTS (SELECT 1 FROM due d WHERE d.org = k.org AND d.consent = k.consent)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM made)::integer + (SELECT count(*) FROM gone)::integer
$$;

COMMENT ON FUNCTION hallpass.refresh_validity(p_compartment uuid, p_custodian uuid) IS 'Brings up to date what a student''s releases rest on: those of a custodian, of a part of it and of what it is part of.
     It is called under their locks. Returns how many rows it wrote.';

CREATE FUNCTION hallpass.release_key(p_compartment uuid, p_custodian uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT uuid_hash_extended(p_custodian, uuid_hash_extended(p_compartment, 3)) $$;

COMMENT ON FUNCTION hallpass.release_key(p_compartment uuid, p_custodian uuid) IS 'The lock that orders disclosures of what a custodian holds about a student, which share it until they commit, and
     what may end them. Nobody else''s write takes it.';

CREATE FUNCTION hallpass.released_since(p_since timestamp with time zone) RETURNS TABLE(compartment uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT k.compartment, k.custodian FROM unnest(ancestors()) o(org)
    CROSS JOIN LATERAL (SELECT * FROM active_release k WHERE k.org = o.org OFFSET 0) k
    JOIN release e ON e.compartment = k.compartment AND e.consent = k.consent
    JOIN resource c ON c.compartment = k.compartment AND c.id = k.consent AND c.current
    WHERE c.updated >= p_since OR e.opens >= p_since
$$;

COMMENT ON FUNCTION hallpass.released_since(p_since timestamp with time zone) IS 'The students of whom a release that was written or began since then opens something to the caller.';

CREATE FUNCTION hallpass.releasing() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE c AS (
        SELECT o.org, x.custodian FROM unnest(ancestors()) o(org) CROSS JOIN LATERAL (
            SELECT k.custodian FROM validity k WHERE k.org = o.org ORDER BY k.custodian LIMIT 1) x
        UNION ALL
        SELECT c.org, x.custodian FROM c CROSS JOIN LATERAL (
            SELECT k.custodian FROM validity k WHERE k.org = c.org AND k.custodian > c.custodian
            ORDER BY k.custodian LIMIT 1) x
    )
    SELECT DISTINCT c.custodian FROM c;
END $$;

COMMENT ON FUNCTION hallpass.releasing() IS 'The custodians whose releases name the caller; found one by one in the index, however many releases there are.';

CREATE FUNCTION hallpass.remove_organization(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM client c WHERE c.organization = p_id)
       OR EXISTS (SELECT 1 FROM tree t WHERE t.ancestor = p_id AND t.id <> p_id)
       OR EXISTS (SELECT 1 FROM resource r WHERE r.custodian = p_id AND r.current AND NOT r.deleted AND r.id <> p_id) THEN
        RETURN false;
    END IF;
    DELETE FROM organization o WHERE o.id = p_id;
    DELETE FROM tree t WHERE t.id = p_id;
    RETURN true;
END $$;

COMMENT ON FUNCTION hallpass.remove_organization(p_id uuid) IS 'Takes an organization out of the tree; false, and nothing done, while it has clients, parts or records.';

CREATE FUNCTION hallpass.same_student(p_patient uuid) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE ROWS 1
    AS $$
BEGIN
    RETURN NEXT p_patient;
    IF NOT EXISTS (SELECT 1 FROM hallpass.term_reference t
                   WHERE t.compartment = p_patient AND t.id = p_patient AND t.param = 'link:merged') THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH RECURSIVE same(id, custodian) AS (
            SELECT r.id, r.custodian FROM hallpass.resource r
                WHERE r.compartment = p_patient AND r.id = p_patient AND r.type = 'Patient' AND r.current AND NOT r.deleted
            UNION
            SELECT other.id, other.custodian FROM same s
                CROSS JOIN LATERAL (SELECT t.target FROM hallpass.term_reference t
                    WHERE t.compartment = s.id AND t.id = s.id AND t.param = 'link:merged' ORDER BY t.n LIMIT 16) led
                CROSS JOIN LATERAL (SELECT r.id, r.custodian FROM hallpass.resource r
                    WHERE r.compartment = led.target AND r.id = led.target AND r.type = 'Patient' AND r.current AND NOT r.deleted
                    LIMIT 1) other
                WHERE other.custodian = s.custodian
        )
        SELECT s.id FROM same s WHERE s.id <> p_patient LIMIT 16;
END $$;

COMMENT ON FUNCTION hallpass.same_student(p_patient uuid) IS 'A Patient, and the others that are the same student by merges of their custodian that the caller sees, 16 at the most.';

CREATE FUNCTION hallpass.seen(p_ids uuid[]) RETURNS TABLE(type text, id uuid, student uuid, custodian uuid)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN QUERY SELECT r.type, r.id, r.student, r.custodian FROM hallpass.resource r
        WHERE r.id = ANY (p_ids) AND r.current AND NOT r.deleted;
END $$;

COMMENT ON FUNCTION hallpass.seen(p_ids uuid[]) IS 'Of these, the current resources that the caller sees. An invoker''s function: the wall judges.';

CREATE FUNCTION hallpass.sees_as_party(r_compartment uuid, r_id uuid, r_type text, r_parties uuid[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT (NOT r_type IN ('Task') OR '00000000-0000-0000-0000-000000000002' = ANY (r_parties))
        AND (r_parties && hallpass.ancestors() OR r_type = 'Consent' AND hallpass.has_receipt(r_compartment, r_id))
$$;

COMMENT ON FUNCTION hallpass.sees_as_party(r_compartment uuid, r_id uuid, r_type text, r_parties uuid[]) IS 'Whether the caller sees a resource since it is named in it, or, of a Consent, since it received something under it.
     Of types that parties write into, being one decides only what may be written, but where the record says otherwise.
     Without a query of its own, so that PostgreSQL makes it a part of the statement that asks it of each row.';

CREATE FUNCTION hallpass.sees_current(p_compartment uuid, p_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT 1 FROM resource r
        WHERE r.compartment = p_compartment AND r.id = p_id AND r.current
          AND (sees_as_party(r.compartment, r.id, r.type, r.parties)
               OR (r.student IS NOT NULL AND consent_permitting(
                   r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs,
                   r.authors, r.clinical) IS NOT NULL)
               OR (r.student IS NOT NULL AND emergency() AND in_emergency(r.type, r.labels)
                   AND glass_broken(r.compartment))))
$$;

COMMENT ON FUNCTION hallpass.sees_current(p_compartment uuid, p_id uuid) IS 'Whether the caller sees the current version of another''s record: without that it sees no older one either, so that
     a label that was raised, a party that was corrected and a release that was narrowed reach back.';

CREATE FUNCTION hallpass.set_caller(p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean) RETURNS TABLE(standing boolean, at timestamp with time zone, ancestors uuid[], zone text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_ancestors uuid[];
    v_zone  text;
BEGIN
    IF NOT client_is_active(p_client, p_token, p_organization, p_emergency) THEN
        PERFORM set_config('hallpass.organization', '', true), set_config('hallpass.ancestors', '', true);
        RETURN QUERY SELECT false, statement_time(), '{}'::uuid[], ''::text;
        RETURN;
    END IF;
    SELECT counts_as(o.id), o.zone INTO v_ancestors, v_zone FROM organization o WHERE o.id = p_organization;
    PERFORM set_config('hallpass.organization', p_organization::text, true),
            set_config('hallpass.ancestors', v_ancestors::text, true),
            set_config('hallpass.purposes', p_purposes::text, true),
            set_config('hallpass.agreement_required', p_agreement::text, true),
            set_config('hallpass.emergency', p_emergency::text, true),
            set_config('hallpass.client', p_client, true),
            set_config('hallpass.token', p_token, true);
    RETURN QUERY SELECT true, statement_time(), v_ancestors, v_zone;
END $$;

COMMENT ON FUNCTION hallpass.set_caller(p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean) IS 'Sets the caller for this transaction, if its client and token still stand; purposes come widened by hierarchy. What
     is part of the caller''s organization is not listed: hallpass.tree is asked.';

CREATE FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) RETURNS boolean
    LANGUAGE sql
    AS $$
    SELECT e.standing FROM hallpass.set_caller(
        p_caller->>'client', p_caller->>'token', (p_caller->>'organization')::uuid,
        ARRAY(SELECT jsonb_array_elements_text(p_caller->'widened')), (p_caller->>'emergency')::boolean, p_agreement) e
$$;

COMMENT ON FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) IS 'Enters a caller of `read`; false: it does not stand.';

CREATE FUNCTION hallpass.set_operator(p_organization uuid) RETURNS TABLE(at timestamp with time zone, ancestors uuid[])
    LANGUAGE plpgsql
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_ancestors uuid[] := coalesce(counts_as(p_organization), ARRAY[p_organization]);
BEGIN
    PERFORM set_config('hallpass.ancestors', v_ancestors::text, true),
            set_config('hallpass.operator_for', p_organization::text, true);
    RETURN QUERY SELECT statement_time(), v_ancestors;
END $$;

COMMENT ON FUNCTION hallpass.set_operator(p_organization uuid) IS 'The network''s operator at the console, as the owner of the tables, on behalf of an organization.';

CREATE FUNCTION hallpass.share_usage(p_clients text[], p_bytes bigint[]) RETURNS TABLE(client text, bytes bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO client_usage AS u SELECT k.client, date_trunc('hour', instant()), k.bytes
        FROM unnest(p_clients, p_bytes) AS k(client, bytes) ORDER BY k.client
        ON CONFLICT ON CONSTRAINT client_usage_pkey DO UPDATE SET bytes = u.bytes + EXCLUDED.bytes;
    DELETE FROM client_usage u WHERE u.hour < instant() - interval '2 days';
    RETURN QUERY SELECT u.client, sum(u.bytes)::bigint FROM client_usage u
        WHERE u.hour > instant() - interval '1 day' GROUP BY u.client;
END $$;

COMMENT ON FUNCTION hallpass.share_usage(p_clients text[], p_bytes bigint[]) IS 'Adds what a process counted since it last said so, and tells what each client has stored within a day.';

CREATE FUNCTION hallpass.sign_in_provider(p_name text) RETURNS TABLE(name text, organization uuid, issuer text, client_id text, sealed text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT p.name, p.organization, p.issuer, p.client_id, p.sealed FROM sign_in_provider p WHERE p.name = p_name
$$;

COMMENT ON FUNCTION hallpass.sign_in_provider(p_name text) IS 'By whom people sign in at a page. It tells of no record.';

CREATE FUNCTION hallpass.signers_suffice(e hallpass.release, r_labels text[], r_clinical tstzrange) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_born date;
    v_adult timestamptz;
    v_zone text;
    v_state text;
    v_care timestamptz := lower(r_clinical);
    v_age  integer;
BEGIN
    IF NOT hangs_on_signers(r_labels) THEN
        RETURN true;
    END IF;
    SELECT coalesce(e.born_to, s.born_to), adult_from(e, s) INTO v_born, v_adult FROM (VALUES (e.compartment)) x(compartment)
        LEFT JOIN student s ON s.compartment = x.compartment;
    IF v_born IS NULL THEN
        RETURN false;
    END IF;
    SELECT o.zone, o.state INTO v_zone, v_state FROM organization o WHERE o.id = e.custodian;
    IF birthday(v_born, 18, v_zone) <= e.signed AND (e.signer IS NULL OR e.authority_opens IS NULL AND EXISTS (
           SELECT 1 FROM authority a WHERE a.compartment = e.compartment AND a.id = e.signer AND a.adult))
       OR e.signer IS NULL AND v_adult <= e.signed THEN
        RETURN true;
    END IF;
    IF NOT (e.signer IS NULL OR e.cosigned) THEN
        RETURN false;
    END IF;
    v_age := part2_age(v_state, (coalesce(v_care, e.signed) AT TIME ZONE v_zone)::date);
    IF 'both-sign' = ANY (r_labels) THEN
        RETURN e.signer IS NOT NULL;
    END IF;
    IF 'minor-signs' = ANY (r_labels) OR coalesce(birthday(v_born, v_age, v_zone) <= v_care, false) THEN
        RETURN e.signer IS NULL OR coalesce(birthday(v_born, v_age, v_zone) <= e.signed, false)
            OR coalesce(v_care <= e.signed, false);
    END IF;
    RETURN v_age IS NOT NULL AND e.signer IS NOT NULL;
END $$;

COMMENT ON FUNCTION hallpass.signers_suffice(e hallpass.release, r_labels text[], r_clinical tstzrange) IS 'Whether those who signed a release are those who may sign for a record with these labels: a minor controls some.';

CREATE FUNCTION hallpass.staff_of_session(p_session bytea, p_idle integer) RETURNS TABLE(client text, organization uuid, name text, address text, role text, caseload text[], scopes text[], purposes text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := instant();
BEGIN
    UPDATE staff_session s SET seen = v_now WHERE s.digest = p_session AND s.until > v_now
        AND s.seen > v_now - make_interval(secs => p_idle) AND s.seen < v_now - interval '1 minute';
    RETURN QUERY SELECT f.client, f.organization, f.name, f.address, f.role, f.caseload, c.scopes, c.purposes
        FROM staff_session s JOIN staff f ON f.client = s.client JOIN client c ON c.id = f.client
        WHERE s.digest = p_session AND s.until > v_now AND s.seen > v_now - make_interval(secs => p_idle)
          AND c.disabled IS NULL;
END $$;

COMMENT ON FUNCTION hallpass.staff_of_session(p_session bytea, p_idle integer) IS 'Who is signed in by a session that has not ended, and was used in the last so many seconds; no row: nobody.';

CREATE FUNCTION hallpass.staff_passkey_key(p_id bytea) RETURNS TABLE(public_key bytea, counter bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT k.public_key, k.counter FROM staff_passkey k WHERE k.id = p_id
$$;

COMMENT ON FUNCTION hallpass.staff_passkey_key(p_id bytea) IS 'By what a passkey''s signature is verified. It tells of no person.';

CREATE FUNCTION hallpass.staff_passkeys(p_session bytea, p_remove boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_client text;
BEGIN
    SELECT s.client INTO v_client FROM staff_session s WHERE s.digest = p_session AND s.until > instant();
    IF p_remove THEN
        DELETE FROM staff_passkey k WHERE k.client = v_client;
    END IF;
    RETURN (SELECT count(*) FROM staff_passkey k WHERE k.client = v_client);
END $$;

COMMENT ON FUNCTION hallpass.staff_passkeys(p_session bytea, p_remove boolean) IS 'How many passkeys who is signed in by a session has, after they were removed if asked.';

CREATE FUNCTION hallpass.stamp() RETURNS timestamp with time zone
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_at timestamptz;
BEGIN
    IF coalesce(current_setting('hallpass.stamped', true), '') = '' THEN
        LOCK TABLE hallpass.resource IN ROW EXCLUSIVE MODE;  -- from here on hallpass.feed_horizon sees that one writes
        v_at := hallpass.instant();
        PERFORM pg_advisory_xact_lock_shared(
            floor(extract(epoch FROM v_at) - 946684800)::integer, (extract(microseconds FROM v_at)::bigint % 1000000)::integer);
        PERFORM set_config('hallpass.stamped', 'true', true);
    END IF;
    RETURN hallpass.instant();
END $$;

COMMENT ON FUNCTION hallpass.stamp() IS 'The time of a version that this transaction is about to write. Others see, until it ends, that it writes and since
     when: a lock that nobody waits for holds the seconds since 2000 and the microseconds of the first stamp.';

CREATE FUNCTION hallpass.standbys_follow() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT names = '' OR coalesce((regexp_match(names, '^\s*(?:FIRST|ANY)?\s*(\d+)\s*\(', 'i'))[1]::integer, 1) <= (
        -- an owner that may not see what others replicate sees a row without its state
        SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') OR sync_state IS NULL)
    FROM (SELECT current_setting('synchronous_standby_names') AS names) configured
$$;

COMMENT ON FUNCTION hallpass.standbys_follow() IS 'Whether as many standbys follow as a commit waits for; with fewer, every commit waits until it is called off.';

CREATE FUNCTION hallpass.statement_time() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;

COMMENT ON FUNCTION hallpass.statement_time() IS 'The one clock: what is in time is in time at this moment.';

CREATE FUNCTION hallpass.sweep_exports(p_before timestamp with time zone, p_stuck timestamp with time zone, p_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_over  uuid[];
    v_count integer;
    v_gone  integer;
    v_feed  record;
BEGIN
    UPDATE export SET status = 'failed', ended = instant()
        WHERE status IN ('accepted', 'choosing') AND created < p_stuck;
    SELECT array_agg(e.id) INTO v_over FROM export e WHERE e.status = 'canceled' OR e.ended < p_before;
    DELETE FROM export_item WHERE (export, series, n) IN (
        SELECT i.export, i.series, i.n FROM export_item i WHERE i.export = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM export_student WHERE (export, n) IN (
        SELECT s.export, s.n FROM export_student s WHERE s.export = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    v_count := v_count + v_gone;
    FOR v_feed IN  -- of what a client follows by exports, the requests that it made last are kept
        SELECT k.reader, k.feed FROM (
            SELECT a.reader, a.feed, row_number() OVER (PARTITION BY a.reader ORDER BY max(a.at) DESC) AS n FROM (
                SELECT f.reader, f.feed, f.at FROM feed_answer f WHERE f.feed LIKE 'export %'
                UNION ALL SELECT e.reader, e.feed, e.created FROM export e) a
            GROUP BY a.reader, a.feed) k
        WHERE k.n > 10
    LOOP
        DELETE FROM feed_entry WHERE (reader, feed, id, version) IN (
            SELECT f.reader, f.feed, f.id, f.version FROM feed_entry f
            WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed LIMIT p_most);
        GET DIAGNOSTICS v_gone = ROW_COUNT;
        v_count := v_count + v_gone;
        IF v_gone = 0 THEN
            DELETE FROM feed_answer f WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed;
            DELETE FROM feed_withdrawal f WHERE f.reader = v_feed.reader AND f.feed = v_feed.feed;
        END IF;
        EXIT WHEN v_count > 0;
    END LOOP;
    DELETE FROM withheld WHERE (export, id) IN (
        SELECT w.export, w.id FROM withheld w WHERE w.at < p_before - interval '90 days' LIMIT p_most);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    v_count := v_count + v_gone;
    IF v_count = 0 THEN
        DELETE FROM export WHERE id = ANY (v_over);
    END IF;
    RETURN v_count;
END $$;

COMMENT ON FUNCTION hallpass.sweep_exports(p_before timestamp with time zone, p_stuck timestamp with time zone, p_most integer) IS 'Forgets exports that were canceled or ended before a moment, some rows at a time: answers how many, 0 at the end.
     Those that began before `p_stuck` and never ended have failed. Of what a client follows by exports, the ten requests
     that it made last are kept, and of what was withheld the last 90 days.';

CREATE FUNCTION hallpass.sweep_submissions(p_before timestamp with time zone, p_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_over  uuid[];
    v_count integer;
BEGIN
    SELECT array_agg(s.id) INTO v_over FROM submission s WHERE s.touched < p_before;
    DELETE FROM submission_line WHERE (submission, n, line) IN (
        SELECT l.submission, l.n, l.line FROM submission_line l WHERE l.submission = ANY (v_over) LIMIT p_most);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = 0 THEN
        DELETE FROM submission WHERE id = ANY (v_over);
    END IF;
    RETURN v_count;
END $$;

COMMENT ON FUNCTION hallpass.sweep_submissions(p_before timestamp with time zone, p_most integer) IS 'Forgets submissions that were last touched before a moment, some lines at a time: answers how many, 0 at the end. What
     they brought stays.';

CREATE FUNCTION hallpass.take_challenge(p_challenge bytea, p_expires timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM staff_challenge c WHERE c.expires <= instant();
    INSERT INTO staff_challenge (challenge, expires) SELECT p_challenge, p_expires WHERE p_expires > instant()
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

COMMENT ON FUNCTION hallpass.take_challenge(p_challenge bytea, p_expires timestamp with time zone) IS 'Takes a challenge of a passkey, once; false: it was answered before, or is too old.';

CREATE FUNCTION hallpass.token_key(p_token text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT hashtextextended(p_token, 7) $$;

COMMENT ON FUNCTION hallpass.token_key(p_token text) IS 'The lock that a token''s disclosures share from their last check to their commit.';

CREATE FUNCTION hallpass.transferable(p_compartment uuid, p_custodian uuid) RETURNS TABLE(id uuid, bytes integer)
    LANGUAGE sql STABLE
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT r.id, octet_length(r.body) FROM resource r
    WHERE r.compartment = p_compartment AND r.custodian = p_custodian AND r.current AND NOT r.deleted
      AND r.student IS NOT NULL AND NOT r.directory AND NOT r.type IN ('Consent', 'Provenance', 'Task')
      AND NOT r.labels && ARRAY['42CFRPart2', 'minor-signs', 'both-sign', 'PSYTHPN']
      AND NOT (r.type IN ('Binary') AND EXISTS (
          SELECT 1 FROM resource f WHERE f.compartment = r.compartment AND f.current AND NOT f.deleted AND r.id = ANY (f.refs)
            AND f.labels && ARRAY['42CFRPart2', 'minor-signs', 'both-sign', 'PSYTHPN']))
$$;

COMMENT ON FUNCTION hallpass.transferable(p_compartment uuid, p_custodian uuid) IS 'The records of a student that go to a new district by 34 CFR 99.31(a)(2), of those that the asker sees. What a law beside
     that of education records keeps back stays behind: 42 CFR Part 2, what a minor signs for, psychotherapy notes, and the bytes
     that belong to those. Consents and Tasks are the old district''s own.';

CREATE FUNCTION hallpass.use_staff_link(p_link bytea, p_session bytea, p_seconds integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_client text;
BEGIN
    DELETE FROM staff_link l WHERE l.digest = p_link AND l.expires > instant() RETURNING l.client INTO v_client;
    DELETE FROM staff_link l WHERE l.expires <= instant();
    RETURN CASE WHEN begin_staff_session(v_client, p_session, p_seconds) THEN v_client END;
END $$;

COMMENT ON FUNCTION hallpass.use_staff_link(p_link bytea, p_session bytea, p_seconds integer) IS 'Signs in by a link, once: of two who use it at the same time one finds it gone. NULL: it is none, used or too old.';

CREATE FUNCTION hallpass.use_staff_passkey(p_id bytea, p_counter bigint) RETURNS text
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    UPDATE staff_passkey k SET counter = p_counter, used = instant()
        WHERE k.id = p_id AND (p_counter > k.counter OR (p_counter = 0 AND k.counter = 0))
        RETURNING k.client
$$;

COMMENT ON FUNCTION hallpass.use_staff_passkey(p_id bytea, p_counter bigint) IS 'Whose passkey it is; NULL where its counter did not move on: then it was copied, or the same answer came twice.';

CREATE FUNCTION hallpass.verdict(p_nodes integer[], p_parents integer[], p_root boolean) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    v_excepted integer[] := '{}';
BEGIN
    -- Nodes from the last to the root, so that each exception has spoken before its parent does.
    FOR i IN 1..cardinality(p_nodes) LOOP
        IF p_nodes[i] = 0 THEN
            RETURN p_root <> (0 = ANY (v_excepted));
        ELSIF NOT p_nodes[i] = ANY (v_excepted) THEN
            v_excepted := v_excepted || p_parents[i];
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION hallpass.verdict(p_nodes integer[], p_parents integer[], p_root boolean) IS 'Whether a release permits (true) or denies (false), by those of its nodes that apply; NULL: its root does not.';

CREATE FUNCTION hallpass.vouched_staff(p_organization uuid, p_issuer text, p_subject text, p_address text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
DECLARE
    v_client text;
BEGIN
    SELECT s.client INTO v_client FROM staff s JOIN client c ON c.id = s.client AND c.disabled IS NULL
        JOIN tree t ON t.id = s.organization AND t.ancestor = p_organization
        WHERE s.issuer = p_issuer AND s.subject = p_subject LIMIT 1;
    IF v_client IS NULL THEN
        UPDATE staff s SET issuer = p_issuer, subject = p_subject
            FROM client c, tree t
            WHERE c.id = s.client AND c.disabled IS NULL AND t.id = s.organization AND t.ancestor = p_organization
              AND s.address = p_address AND s.issuer IS NULL
            RETURNING s.client INTO v_client;
    END IF;
    RETURN v_client;
END $$;

COMMENT ON FUNCTION hallpass.vouched_staff(p_organization uuid, p_issuer text, p_subject text, p_address text) IS 'Who of a member''s staff, or of its parts'', a provider vouches for. From the first sign-in on, by an address that it
     has verified, it is the provider''s own subject that counts: an address may be given to another person later.';

CREATE FUNCTION hallpass.witnessed(p_xact text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'hallpass', 'pg_temp'
    AS $$
    SELECT NOT EXISTS (SELECT 1 FROM ending e WHERE e.xact = p_xact)
$$;

COMMENT ON FUNCTION hallpass.witnessed(p_xact text) IS 'Whether what a transaction ended is in the witness.';

CREATE FUNCTION hallpass.worker_lives() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (SELECT 1 FROM hallpass.worker w WHERE w.seen > now() - interval '30 seconds')
$$;

COMMENT ON FUNCTION hallpass.worker_lives() IS 'Whether a worker gave a sign of life lately: they give one every five seconds.';

CREATE TABLE hallpass.access (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    org uuid NOT NULL,
    consent uuid,
    type text NOT NULL COLLATE pg_catalog."C",
    updated timestamp with time zone NOT NULL,
    custodian uuid NOT NULL,
    precomputed boolean NOT NULL
);

COMMENT ON TABLE hallpass.access IS 'Visible candidates: a row for each (organization that a release or a record names, current record, release). None
     for custody, and none for who is part of the named. `precomputed` is the record''s alone, so that nobody''s place in the
     tree bears on it.';

CREATE TABLE hallpass.validity (
    org uuid NOT NULL,
    consent uuid NOT NULL,
    compartment uuid NOT NULL,
    version integer NOT NULL,
    custodian uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    majority timestamp with time zone,
    purposes text[],
    root_since timestamp with time zone NOT NULL,
    root_until timestamp with time zone NOT NULL,
    types text[],
    exact boolean DEFAULT true NOT NULL
)
WITH (fillfactor='80');

COMMENT ON TABLE hallpass.validity IS 'When a release has effect: a row for each (organization named, release), written with what it rests on. Every row of
     the access index points here, so that ending a release is a row or two, whatever it opened.';

CREATE VIEW hallpass.active_release WITH (security_invoker='true') AS
 SELECT org,
    consent,
    compartment,
    version,
    custodian,
    exact,
    types,
    since
   FROM hallpass.validity k
  WHERE ((since <= hallpass.statement_time()) AND (hallpass.statement_time() < until) AND (root_since <= hallpass.statement_time()) AND (hallpass.statement_time() < root_until) AND ((majority IS NULL) OR (hallpass.statement_time() < majority) OR (custodian = ANY (( SELECT hallpass.honoring() AS honoring)::uuid[]))) AND ((purposes IS NULL) OR (purposes && ( SELECT hallpass.purposes() AS purposes))) AND ((NOT ( SELECT hallpass.agreement_required() AS agreement_required)) OR (custodian = ANY (( SELECT hallpass.agreed_custodians() AS agreed_custodians)::uuid[])) OR ((custodian = ANY (( SELECT hallpass.lapsed_custodians() AS lapsed_custodians)::uuid[])) AND (since >= hallpass.agreed_since(custodian)))));

COMMENT ON VIEW hallpass.active_release IS 'The releases whose roots permit something, now, to an organization that they name, for the caller''s purposes.';

CREATE TABLE hallpass.agreement (
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    discloser uuid NOT NULL,
    recipient uuid NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.agreement IS 'When an OrganizationAffiliation let one organization disclose to another: a row for each time without a break, those
     that are over among them, since what an agreement carried does not come back with it.';

CREATE TABLE hallpass.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE hallpass.app_login (
    role text NOT NULL,
    password text NOT NULL,
    created timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retired timestamp with time zone
);

COMMENT ON TABLE hallpass.app_login IS 'How the application logs in. The owner of the tables alone reads it.';

CREATE TABLE hallpass.applied_schema (
    tables text NOT NULL,
    code text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE hallpass.applied_schema IS 'Which schema/ this database has. One row.';

CREATE TABLE hallpass.assertion (
    client text NOT NULL,
    jti text NOT NULL,
    expires timestamp with time zone NOT NULL
);

CREATE TABLE hallpass.authority (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    adult boolean DEFAULT false NOT NULL
);

CREATE TABLE hallpass.batch (
    chain smallint NOT NULL,
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    entries integer NOT NULL,
    link bytea NOT NULL,
    CONSTRAINT batch_entries_check CHECK ((entries > 0))
);

COMMENT ON TABLE hallpass.batch IS 'What was entered on the ledger by one call. It tells of nobody, and stays when its entries are past retention.';

CREATE TABLE hallpass.chain_end (
    chain smallint NOT NULL,
    n bigint NOT NULL,
    link bytea NOT NULL
)
WITH (fillfactor='20');

COMMENT ON TABLE hallpass.chain_end IS 'Where each chain''s chain of batches ends, so that one taken off the end is missed.';

CREATE TABLE hallpass.client (
    id text NOT NULL,
    organization uuid NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    purposes text[] NOT NULL,
    jwks jsonb,
    jwks_uri text,
    emergency boolean DEFAULT false NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    disabled timestamp with time zone,
    CONSTRAINT client_check CHECK (((jwks IS NULL) <> (jwks_uri IS NULL)))
);

CREATE TABLE hallpass.client_limit (
    client text NOT NULL,
    rate integer,
    running integer,
    logins integer,
    CONSTRAINT client_limit_logins_check CHECK ((logins > 0)),
    CONSTRAINT client_limit_rate_check CHECK ((rate > 0)),
    CONSTRAINT client_limit_running_check CHECK ((running > 0))
);

COMMENT ON TABLE hallpass.client_limit IS 'What the operator lets one client ask, where that differs from what the settings say.';

CREATE TABLE hallpass.client_usage (
    client text NOT NULL,
    hour timestamp with time zone NOT NULL,
    bytes bigint NOT NULL
);

COMMENT ON TABLE hallpass.client_usage IS 'How much each client stored in each of the last hours, as the processes add it up every few seconds: what a client may
     store in a day is one number for all of them, and outlasts them.';

CREATE TABLE hallpass.community_report (
    organization uuid NOT NULL,
    month text NOT NULL,
    whole boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    client text NOT NULL,
    body bytea NOT NULL
);

COMMENT ON TABLE hallpass.community_report IS 'What organizations have published of their referrals: each month once, since two answers about one could be subtracted.';

CREATE TABLE hallpass.custody_count (
    custodian uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    records bigint NOT NULL
);

COMMENT ON TABLE hallpass.custody_count IS 'How many current records of a type an organization holds, as changes to be summed: exact in every snapshot, and no
     write waits for another. The worker folds them.';

CREATE TABLE hallpass.disclosure (
    compartment uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    request uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    interaction text NOT NULL,
    student uuid,
    custodian uuid NOT NULL,
    recipient uuid NOT NULL,
    client text NOT NULL,
    agent jsonb,
    purposes text[] NOT NULL,
    basis text NOT NULL,
    consent uuid,
    consent_version integer,
    reason text,
    chain smallint NOT NULL,
    batch bigint NOT NULL,
    parameters text[],
    students integer,
    CONSTRAINT disclosure_basis_check CHECK ((basis = ANY (ARRAY['release'::text, 'party'::text, 'directory'::text, 'emergency'::text, 'query'::text, 'transfer'::text]))),
    CONSTRAINT disclosure_check CHECK (((basis = 'release'::text) = ((consent IS NOT NULL) AND (consent_version IS NOT NULL)))),
    CONSTRAINT disclosure_check1 CHECK (((basis = 'query'::text) = ((parameters IS NOT NULL) AND (students IS NOT NULL))))
)
PARTITION BY RANGE (at);

COMMENT ON TABLE hallpass.disclosure IS 'The ledger: a row for each resource version that an organization other than its custodian was given, and for each
     query whose criteria read a custodian''s records (under the custodian''s own id, in no student''s compartment).';

CREATE TABLE hallpass.disclosure_other (
    compartment uuid CONSTRAINT disclosure_compartment_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT disclosure_at_not_null NOT NULL,
    request uuid CONSTRAINT disclosure_request_not_null NOT NULL,
    id uuid CONSTRAINT disclosure_id_not_null NOT NULL,
    version integer CONSTRAINT disclosure_version_not_null NOT NULL,
    type text CONSTRAINT disclosure_type_not_null NOT NULL,
    interaction text CONSTRAINT disclosure_interaction_not_null NOT NULL,
    student uuid,
    custodian uuid CONSTRAINT disclosure_custodian_not_null NOT NULL,
    recipient uuid CONSTRAINT disclosure_recipient_not_null NOT NULL,
    client text CONSTRAINT disclosure_client_not_null NOT NULL,
    agent jsonb,
    purposes text[] CONSTRAINT disclosure_purposes_not_null NOT NULL,
    basis text CONSTRAINT disclosure_basis_not_null NOT NULL,
    consent uuid,
    consent_version integer,
    reason text,
    chain smallint CONSTRAINT disclosure_chain_not_null NOT NULL,
    batch bigint CONSTRAINT disclosure_batch_not_null NOT NULL,
    parameters text[],
    students integer,
    CONSTRAINT disclosure_basis_check CHECK ((basis = ANY (ARRAY['release'::text, 'party'::text, 'directory'::text, 'emergency'::text, 'query'::text, 'transfer'::text]))),
    CONSTRAINT disclosure_check CHECK (((basis = 'release'::text) = ((consent IS NOT NULL) AND (consent_version IS NOT NULL)))),
    CONSTRAINT disclosure_check1 CHECK (((basis = 'query'::text) = ((parameters IS NOT NULL) AND (students IS NOT NULL))))
);

CREATE TABLE hallpass.emergency (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    organization uuid NOT NULL,
    client text NOT NULL,
    reason text NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    custodian uuid
);

CREATE TABLE hallpass.ending (
    n bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    xact text DEFAULT (pg_current_xact_id())::text NOT NULL,
    kind text NOT NULL,
    was jsonb NOT NULL,
    CONSTRAINT ending_kind_check CHECK ((kind = ANY (ARRAY['release'::text, 'authority'::text, 'agreement'::text, 'student'::text, 'client'::text, 'endpoint'::text, 'record'::text, 'transfer'::text, 'subscription'::text, 'sync_source'::text, 'organization'::text, 'provider'::text, 'expunged'::text])))
);

COMMENT ON TABLE hallpass.ending IS 'What ended or was narrowed, and is not in the witness yet.';

ALTER TABLE hallpass.ending ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME hallpass.ending_n_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE hallpass.endpoint (
    organization uuid NOT NULL,
    prefix text NOT NULL,
    allowed timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE hallpass.endpoint IS 'Where the operator lets the Subscriptions of an organization send to.';

CREATE TABLE hallpass.event (
    minute timestamp with time zone NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    organization uuid NOT NULL,
    client text NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL,
    first timestamp with time zone NOT NULL,
    last timestamp with time zone NOT NULL,
    times bigint NOT NULL,
    CONSTRAINT event_kind_check CHECK ((kind = ANY (ARRAY['login'::text, 'token'::text, 'scope'::text, 'emergency'::text, 'command'::text, 'query'::text, 'access'::text]))),
    CONSTRAINT event_outcome_check CHECK ((outcome = ANY (ARRAY['0'::text, '4'::text, '8'::text])))
);

CREATE TABLE hallpass.export (
    id uuid NOT NULL,
    client text NOT NULL,
    reader text NOT NULL COLLATE pg_catalog."C",
    request text NOT NULL,
    asked jsonb NOT NULL,
    feed text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'accepted'::text NOT NULL,
    at timestamp with time zone,
    horizon timestamp with time zone,
    told timestamp with time zone,
    students integer DEFAULT 0 NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    unseen text[] DEFAULT '{}'::text[] NOT NULL,
    created timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    CONSTRAINT export_status_check CHECK ((status = ANY (ARRAY['accepted'::text, 'choosing'::text, 'complete'::text, 'failed'::text, 'canceled'::text])))
);

COMMENT ON TABLE hallpass.export IS 'A bulk export: what was asked, and how far its choice has come. Its files are read from the records when fetched.';

CREATE TABLE hallpass.export_block (
    export uuid NOT NULL,
    series text NOT NULL COLLATE pg_catalog."C",
    after bigint NOT NULL,
    last bigint NOT NULL
);

COMMENT ON TABLE hallpass.export_block IS 'Which lines of an export have their records kept in the export store (HALLPASS_EXPORT_STORE), sealed.';

CREATE TABLE hallpass.export_item (
    export uuid NOT NULL,
    series text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE hallpass.export_item IS 'Which versions an export holds: names alone. Whether one still may leave is judged when its line does.';

CREATE TABLE hallpass.export_student (
    export uuid NOT NULL,
    n integer NOT NULL,
    compartment uuid NOT NULL
);

COMMENT ON TABLE hallpass.export_student IS 'The compartments from which an export is chosen, one batch after the other.';

CREATE TABLE hallpass.expunged (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    custodian uuid NOT NULL,
    versions integer NOT NULL,
    at timestamp with time zone NOT NULL,
    authority text NOT NULL,
    by text NOT NULL
);

COMMENT ON TABLE hallpass.expunged IS 'Records whose content was destroyed under law. What the ledger says of them stays: that they were, and who received them.';

CREATE TABLE hallpass.feed_answer (
    reader text NOT NULL,
    feed text NOT NULL,
    since timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.feed_answer IS 'When the answers of a feed were given.';

CREATE TABLE hallpass.feed_entry (
    reader text NOT NULL,
    feed text NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    compartment uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    given timestamp with time zone NOT NULL,
    walk timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.feed_entry IS 'What a feed gave to whom of others'' records: so what became visible since is known, and what is withdrawn.';

CREATE TABLE hallpass.feed_withdrawal (
    reader text NOT NULL,
    feed text NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.feed_withdrawal IS 'What a reader was given by a feed and no longer sees.';

CREATE TABLE hallpass.glass_review (
    compartment uuid NOT NULL,
    emergency uuid NOT NULL,
    custodian uuid NOT NULL,
    client text NOT NULL,
    at timestamp with time zone NOT NULL,
    note text NOT NULL
);

COMMENT ON TABLE hallpass.glass_review IS 'Broken glass that the student''s custodian has reviewed. 34 CFR 99.32(a)(5), 99.36.';

CREATE TABLE hallpass.idempotency_key (
    client text NOT NULL,
    key bytea NOT NULL,
    request bytea NOT NULL,
    written jsonb NOT NULL,
    expires timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.idempotency_key IS 'Requests that a client may send again: what is answered then is read again, under the rule of that moment.';

CREATE TABLE hallpass.index_backlog (
    compartment uuid NOT NULL,
    custodian uuid NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE hallpass.index_backlog IS 'Where the access index says more than the releases do: one of them ended or was narrowed. It opens nothing by that.';

CREATE TABLE hallpass.job (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status hallpass.job_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

COMMENT ON TABLE hallpass.job IS 'Background work that waits, runs or has failed. Nothing in it is about a student but ids.';

ALTER TABLE hallpass.job ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME hallpass.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE hallpass.job_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status hallpass.job_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

COMMENT ON TABLE hallpass.job_log IS 'What became of jobs, for a month. pgqueuer''s.';

ALTER TABLE hallpass.job_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME hallpass.job_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE hallpass.job_schedule (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status hallpass.job_status DEFAULT 'queued'::hallpass.job_status
);

COMMENT ON TABLE hallpass.job_schedule IS 'When each job that has a schedule is due next. pgqueuer''s.';

ALTER TABLE hallpass.job_schedule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME hallpass.job_schedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE hallpass.job_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status hallpass.job_status NOT NULL,
    entrypoint text NOT NULL
);

COMMENT ON TABLE hallpass.job_statistics IS 'How many jobs ended how, by second. pgqueuer''s.';

ALTER TABLE hallpass.job_statistics ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME hallpass.job_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE hallpass.ledger_drop (
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    partition text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    entries bigint NOT NULL,
    students bigint NOT NULL
);

COMMENT ON TABLE hallpass.ledger_drop IS 'What was dropped from the ledger because it was past retention.';

CREATE TABLE hallpass.mark (
    n bigint NOT NULL,
    token text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE hallpass.mark IS 'What the worker writes here first and then in the witness. A database without the witness''s last mark is older than it.';

CREATE TABLE hallpass.organization (
    id uuid NOT NULL,
    ancestors uuid[] NOT NULL,
    zone text NOT NULL,
    honor boolean NOT NULL,
    state text,
    classes uuid[] DEFAULT '{}'::uuid[] NOT NULL
);

CREATE TABLE hallpass.outside_disclosure (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    entered timestamp with time zone NOT NULL,
    custodian uuid NOT NULL,
    client text NOT NULL,
    recipient uuid,
    consent uuid,
    body jsonb NOT NULL
);

COMMENT ON TABLE hallpass.outside_disclosure IS 'Disclosures outside the exchange (telephone, paper, subpoena), as their custodian entered them. They are asserted: no
     batch of the ledger seals them.';

CREATE TABLE hallpass.receipt (
    compartment uuid NOT NULL,
    consent uuid NOT NULL,
    recipient uuid NOT NULL,
    custodian uuid NOT NULL
);

COMMENT ON TABLE hallpass.receipt IS 'Who received something under a Consent that names it by a class of recipients alone: from then on it sees the Consent.';

CREATE TABLE hallpass.revoked_token (
    jti text NOT NULL,
    expires timestamp with time zone NOT NULL
);

CREATE TABLE hallpass.sign_in_provider (
    name text NOT NULL,
    organization uuid NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    sealed text,
    created timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE hallpass.sign_in_provider IS 'By whom the staff of a member signs in: OpenID Connect. The application''s role reaches it by a function alone.';

CREATE TABLE hallpass.signing_key (
    kid text NOT NULL,
    sealed text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    retires timestamp with time zone,
    expires timestamp with time zone
);

CREATE TABLE hallpass.staff (
    client text NOT NULL,
    organization uuid NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    role text NOT NULL,
    caseload text[],
    issuer text,
    subject text,
    created timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE hallpass.staff IS 'People of the members who use the office. Each has a client of their own: what shuts out a client shuts them out.';

CREATE TABLE hallpass.staff_challenge (
    challenge bytea NOT NULL,
    expires timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.staff_challenge IS 'Challenges of passkeys that were answered, until nobody would take them any more: none is answered twice.';

CREATE TABLE hallpass.staff_link (
    digest bytea NOT NULL,
    client text NOT NULL,
    expires timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.staff_link IS 'Links that sign a person in once. The application''s role reaches them by functions alone.';

CREATE TABLE hallpass.staff_passkey (
    id bytea NOT NULL,
    client text NOT NULL,
    public_key bytea NOT NULL,
    counter bigint NOT NULL,
    created timestamp with time zone NOT NULL,
    used timestamp with time zone,
    CONSTRAINT staff_passkey_id_check CHECK ((length(id) <= 1023))
);

COMMENT ON TABLE hallpass.staff_passkey IS 'Passkeys by which people sign in: public keys alone. The application''s role reaches them by functions alone.';

CREATE TABLE hallpass.staff_session (
    digest bytea NOT NULL,
    client text NOT NULL,
    seen timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);

COMMENT ON TABLE hallpass.staff_session IS 'Who is signed in to the office. The application''s role reaches them by functions alone.';

CREATE TABLE hallpass.submission (
    id uuid NOT NULL,
    client text NOT NULL,
    organization uuid NOT NULL,
    submitter text NOT NULL,
    name text NOT NULL,
    base text NOT NULL,
    status text NOT NULL,
    created timestamp with time zone NOT NULL,
    touched timestamp with time zone NOT NULL,
    CONSTRAINT submission_status_check CHECK ((status = ANY (ARRAY['in-progress'::text, 'completed'::text, 'stopped'::text])))
);

COMMENT ON TABLE hallpass.submission IS 'A bulk submission: what a client sends in by files.';

CREATE TABLE hallpass.submission_file (
    submission uuid NOT NULL,
    n integer NOT NULL,
    kind text NOT NULL,
    type text COLLATE pg_catalog."C",
    url text,
    manifest text,
    base text NOT NULL,
    headers text,
    body bytea,
    digest text,
    status text DEFAULT 'waiting'::text NOT NULL,
    line integer DEFAULT 0 NOT NULL,
    problem text,
    CONSTRAINT submission_file_kind_check CHECK ((kind = ANY (ARRAY['manifest'::text, 'lines'::text]))),
    CONSTRAINT submission_file_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'taking'::text, 'done'::text, 'failed'::text])))
);

COMMENT ON TABLE hallpass.submission_file IS 'A file of a bulk submission, and how far it is taken.';

CREATE TABLE hallpass.submission_line (
    submission uuid NOT NULL,
    n integer NOT NULL,
    line integer NOT NULL,
    result text NOT NULL,
    source text NOT NULL,
    resource text,
    issues jsonb,
    CONSTRAINT submission_line_result_check CHECK ((result = ANY (ARRAY['created'::text, 'updated'::text, 'unchanged'::text, 'failed'::text])))
);

COMMENT ON TABLE hallpass.submission_line IS 'What became of each line of a submitted file: written in the transaction that took the line, so that none is taken twice.';

CREATE TABLE hallpass.submitted (
    organization uuid NOT NULL,
    base text NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    id uuid NOT NULL
);

COMMENT ON TABLE hallpass.submitted IS 'Which record an organization''s own system means by an id: what was submitted before is found again, and referred to.';

CREATE TABLE hallpass.subscription (
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    client text NOT NULL,
    purposes text[] NOT NULL,
    scopes text[] NOT NULL,
    status text NOT NULL,
    ends timestamp with time zone,
    heartbeat integer,
    headers text,
    events bigint DEFAULT 0 NOT NULL,
    sent bigint DEFAULT 0 NOT NULL,
    since timestamp with time zone,
    told timestamp with time zone,
    walk timestamp with time zone,
    horizon timestamp with time zone,
    after_at timestamp with time zone,
    after_id uuid,
    after_version integer,
    counted bigint DEFAULT 0 NOT NULL,
    seen bigint DEFAULT 0 NOT NULL,
    walked timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    error text,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    next_try timestamp with time zone DEFAULT now() NOT NULL,
    lease timestamp with time zone,
    last_sent timestamp with time zone
);

COMMENT ON TABLE hallpass.subscription IS 'How far each Subscription is: what it was told, and what is to be sent again.';

CREATE TABLE hallpass.subscription_event (
    subscription uuid NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL
);

COMMENT ON TABLE hallpass.subscription_event IS 'The events of each Subscription by number, for what is sent again and for $events.';

CREATE TABLE hallpass.sync_source (
    name text NOT NULL,
    client text NOT NULL,
    kind text NOT NULL,
    place text NOT NULL,
    district text,
    mapping text,
    sealed text NOT NULL,
    schedule text NOT NULL,
    next_run timestamp with time zone NOT NULL,
    began timestamp with time zone,
    ended timestamp with time zone,
    status smallint,
    report jsonb,
    staff text[] DEFAULT '{}'::text[] NOT NULL,
    mark text,
    lease timestamp with time zone,
    CONSTRAINT sync_source_kind_check CHECK ((kind = ANY (ARRAY['oneroster'::text, 'edfi'::text, 'inbox'::text, 'write-back'::text])))
);

COMMENT ON TABLE hallpass.sync_source IS 'Rosters that the worker fetches on a schedule, and systems that it writes to.';

CREATE TABLE hallpass.term_date (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    lower timestamp with time zone NOT NULL,
    upper timestamp with time zone NOT NULL
);

CREATE TABLE hallpass.term_quantity (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    low numeric NOT NULL,
    high numeric NOT NULL,
    system text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    unit text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE hallpass.term_reference (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    target_type text NOT NULL COLLATE pg_catalog."C",
    target uuid,
    url text NOT NULL COLLATE pg_catalog."C",
    system text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE hallpass.term_string (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    folded text NOT NULL COLLATE pg_catalog."C",
    exact text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE hallpass.term_token (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    system text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE hallpass.term_uri (
    compartment uuid NOT NULL,
    id uuid NOT NULL,
    custodian uuid NOT NULL,
    param text NOT NULL COLLATE pg_catalog."C",
    n integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE hallpass.transfer (
    id uuid NOT NULL,
    compartment uuid NOT NULL,
    custodian uuid NOT NULL,
    recipient uuid NOT NULL,
    client text NOT NULL,
    scopes text[] NOT NULL,
    purposes text[] NOT NULL,
    notice text NOT NULL,
    proposed timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    waiting jsonb DEFAULT '[]'::jsonb NOT NULL,
    accepted timestamp with time zone
);

COMMENT ON TABLE hallpass.transfer IS 'Students who change district, by 34 CFR 99.31(a)(2) and 99.34: proposed, and accepted or not.';

CREATE TABLE hallpass.tree (
    ancestor uuid NOT NULL,
    id uuid NOT NULL
);

COMMENT ON TABLE hallpass.tree IS 'The tree of organizations, unfolded: custody is asked of it, so that no request loads the list of its parts.';

CREATE TABLE hallpass.verified_identifier (
    system text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    organization uuid NOT NULL
);

COMMENT ON TABLE hallpass.verified_identifier IS 'By which identifiers a release may name an organization: those that the operator verified, each of one organization, so
     that no member makes another''s ambiguous.';

CREATE TABLE hallpass.withheld (
    custodian uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    export uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    compartment uuid NOT NULL,
    recipient uuid NOT NULL,
    purposes text[] NOT NULL
);

COMMENT ON TABLE hallpass.withheld IS 'Lines of bulk exports that were chosen and left out when their file was fetched: for the custodian, never the recipient.';

CREATE TABLE hallpass.witness_check (
    single boolean DEFAULT true NOT NULL,
    started timestamp with time zone,
    place text,
    CONSTRAINT witness_check_single_check CHECK (single)
);

COMMENT ON TABLE hallpass.witness_check IS 'Which start of which server is known to be as new as the witness. Without a row no witness is kept.';

CREATE TABLE hallpass.witnessed_chain (
    chain smallint NOT NULL,
    n bigint NOT NULL
)
WITH (fillfactor='20');

COMMENT ON TABLE hallpass.witnessed_chain IS 'How much of each chain of the ledger is in the witness.';

CREATE TABLE hallpass.worker (
    id uuid NOT NULL,
    host text NOT NULL,
    started timestamp with time zone DEFAULT now() NOT NULL,
    seen timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE hallpass.worker IS 'The workers that run, by their signs of life.';

CREATE SEQUENCE hallpass.write_count
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE hallpass.written_service (
    source text NOT NULL,
    student text NOT NULL,
    intervention text NOT NULL,
    changed timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    place text,
    error text
);

COMMENT ON TABLE hallpass.written_service IS 'What is written back to an ODS, and how far it is.';

CREATE TABLE hallpass.written_session (
    source text NOT NULL,
    encounter uuid NOT NULL,
    student text NOT NULL,
    intervention text NOT NULL,
    held date NOT NULL,
    minutes integer NOT NULL
);

COMMENT ON TABLE hallpass.written_session IS 'What each service delivered adds to what is written back to an ODS.';

ALTER TABLE ONLY hallpass.disclosure ATTACH PARTITION hallpass.disclosure_other DEFAULT;

ALTER TABLE ONLY hallpass.agreement
    ADD CONSTRAINT agreement_pkey PRIMARY KEY (discloser, recipient, id, opens);

ALTER TABLE ONLY hallpass.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY hallpass.app_login
    ADD CONSTRAINT app_login_pkey PRIMARY KEY (role);

ALTER TABLE ONLY hallpass.assertion
    ADD CONSTRAINT assertion_pkey PRIMARY KEY (client, jti);

ALTER TABLE ONLY hallpass.authority
    ADD CONSTRAINT authority_pkey PRIMARY KEY (compartment, id);

ALTER TABLE ONLY hallpass.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (chain, n);

ALTER TABLE ONLY hallpass.chain_end
    ADD CONSTRAINT chain_end_pkey PRIMARY KEY (chain);

ALTER TABLE ONLY hallpass.client_limit
    ADD CONSTRAINT client_limit_pkey PRIMARY KEY (client);

ALTER TABLE ONLY hallpass.client
    ADD CONSTRAINT client_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.client_usage
    ADD CONSTRAINT client_usage_pkey PRIMARY KEY (client, hour);

ALTER TABLE ONLY hallpass.community_report
    ADD CONSTRAINT community_report_pkey PRIMARY KEY (organization, month, whole);

ALTER TABLE ONLY hallpass.disclosure
    ADD CONSTRAINT disclosure_pkey PRIMARY KEY (compartment, at, request, id, version);

ALTER TABLE ONLY hallpass.disclosure_other
    ADD CONSTRAINT disclosure_other_pkey PRIMARY KEY (compartment, at, request, id, version);

ALTER TABLE ONLY hallpass.emergency
    ADD CONSTRAINT emergency_pkey PRIMARY KEY (compartment, id);

ALTER TABLE ONLY hallpass.ending
    ADD CONSTRAINT ending_pkey PRIMARY KEY (n);

ALTER TABLE ONLY hallpass.endpoint
    ADD CONSTRAINT endpoint_pkey PRIMARY KEY (organization, prefix);

ALTER TABLE ONLY hallpass.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (organization, minute, kind, client, outcome, detail);

ALTER TABLE ONLY hallpass.export_block
    ADD CONSTRAINT export_block_pkey PRIMARY KEY (export, series, after);

ALTER TABLE ONLY hallpass.export_item
    ADD CONSTRAINT export_item_export_id_key UNIQUE (export, id);

ALTER TABLE ONLY hallpass.export_item
    ADD CONSTRAINT export_item_pkey PRIMARY KEY (export, series, n);

ALTER TABLE ONLY hallpass.export
    ADD CONSTRAINT export_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.export_student
    ADD CONSTRAINT export_student_export_compartment_key UNIQUE (export, compartment);

ALTER TABLE ONLY hallpass.export_student
    ADD CONSTRAINT export_student_pkey PRIMARY KEY (export, n);

ALTER TABLE ONLY hallpass.expunged
    ADD CONSTRAINT expunged_pkey PRIMARY KEY (compartment, id);

ALTER TABLE ONLY hallpass.feed_answer
    ADD CONSTRAINT feed_answer_pkey PRIMARY KEY (reader, feed, since);

ALTER TABLE ONLY hallpass.feed_entry
    ADD CONSTRAINT feed_entry_pkey PRIMARY KEY (reader, feed, id, version);

ALTER TABLE ONLY hallpass.feed_withdrawal
    ADD CONSTRAINT feed_withdrawal_pkey PRIMARY KEY (reader, feed, type, id);

ALTER TABLE ONLY hallpass.glass_review
    ADD CONSTRAINT glass_review_pkey PRIMARY KEY (compartment, emergency, custodian);

ALTER TABLE ONLY hallpass.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (client, key);

ALTER TABLE ONLY hallpass.index_backlog
    ADD CONSTRAINT index_backlog_pkey PRIMARY KEY (compartment, custodian);

ALTER TABLE ONLY hallpass.job_log
    ADD CONSTRAINT job_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.job_schedule
    ADD CONSTRAINT job_schedule_expression_entrypoint_key UNIQUE (expression, entrypoint);

ALTER TABLE ONLY hallpass.job_schedule
    ADD CONSTRAINT job_schedule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.job_statistics
    ADD CONSTRAINT job_statistics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.ledger_drop
    ADD CONSTRAINT ledger_drop_pkey PRIMARY KEY (partition);

ALTER TABLE ONLY hallpass.mark
    ADD CONSTRAINT mark_pkey PRIMARY KEY (n);

ALTER TABLE ONLY hallpass.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.outside_disclosure
    ADD CONSTRAINT outside_disclosure_pkey PRIMARY KEY (compartment, at, id);

ALTER TABLE ONLY hallpass.provision
    ADD CONSTRAINT provision_pkey PRIMARY KEY (compartment, consent, node);

ALTER TABLE ONLY hallpass.receipt
    ADD CONSTRAINT receipt_pkey PRIMARY KEY (compartment, consent, recipient);

ALTER TABLE ONLY hallpass.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (compartment, consent);

ALTER TABLE ONLY hallpass.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (compartment, id, version);

ALTER TABLE ONLY hallpass.revoked_token
    ADD CONSTRAINT revoked_token_pkey PRIMARY KEY (jti);

ALTER TABLE ONLY hallpass.sign_in_provider
    ADD CONSTRAINT sign_in_provider_pkey PRIMARY KEY (name);

ALTER TABLE ONLY hallpass.signing_key
    ADD CONSTRAINT signing_key_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY hallpass.staff_challenge
    ADD CONSTRAINT staff_challenge_pkey PRIMARY KEY (challenge);

ALTER TABLE ONLY hallpass.staff_link
    ADD CONSTRAINT staff_link_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY hallpass.staff
    ADD CONSTRAINT staff_organization_issuer_subject_key UNIQUE (organization, issuer, subject);

ALTER TABLE ONLY hallpass.staff_passkey
    ADD CONSTRAINT staff_passkey_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (client);

ALTER TABLE ONLY hallpass.staff_session
    ADD CONSTRAINT staff_session_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY hallpass.student
    ADD CONSTRAINT student_pkey PRIMARY KEY (compartment);

ALTER TABLE ONLY hallpass.submission
    ADD CONSTRAINT submission_client_submitter_name_key UNIQUE (client, submitter, name);

ALTER TABLE ONLY hallpass.submission_file
    ADD CONSTRAINT submission_file_pkey PRIMARY KEY (submission, n);

ALTER TABLE ONLY hallpass.submission_line
    ADD CONSTRAINT submission_line_pkey PRIMARY KEY (submission, n, line);

ALTER TABLE ONLY hallpass.submission
    ADD CONSTRAINT submission_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.submitted
    ADD CONSTRAINT submitted_pkey PRIMARY KEY (organization, base, type, source);

ALTER TABLE ONLY hallpass.subscription_event
    ADD CONSTRAINT subscription_event_pkey PRIMARY KEY (subscription, number);

ALTER TABLE ONLY hallpass.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.sync_source
    ADD CONSTRAINT sync_source_pkey PRIMARY KEY (name);

ALTER TABLE ONLY hallpass.term_date
    ADD CONSTRAINT term_date_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.term_quantity
    ADD CONSTRAINT term_quantity_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.term_reference
    ADD CONSTRAINT term_reference_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.term_string
    ADD CONSTRAINT term_string_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.term_token
    ADD CONSTRAINT term_token_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.term_uri
    ADD CONSTRAINT term_uri_pkey PRIMARY KEY (compartment, id, param, n);

ALTER TABLE ONLY hallpass.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.tree
    ADD CONSTRAINT tree_pkey PRIMARY KEY (ancestor, id);

ALTER TABLE ONLY hallpass.validity
    ADD CONSTRAINT validity_pkey PRIMARY KEY (org, consent);

ALTER TABLE ONLY hallpass.verified_identifier
    ADD CONSTRAINT verified_identifier_pkey PRIMARY KEY (system, value);

ALTER TABLE ONLY hallpass.withheld
    ADD CONSTRAINT withheld_pkey PRIMARY KEY (export, id);

ALTER TABLE ONLY hallpass.witness_check
    ADD CONSTRAINT witness_check_pkey PRIMARY KEY (single);

ALTER TABLE ONLY hallpass.witnessed_chain
    ADD CONSTRAINT witnessed_chain_pkey PRIMARY KEY (chain);

ALTER TABLE ONLY hallpass.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);

ALTER TABLE ONLY hallpass.written_service
    ADD CONSTRAINT written_service_pkey PRIMARY KEY (source, student, intervention);

ALTER TABLE ONLY hallpass.written_session
    ADD CONSTRAINT written_session_pkey PRIMARY KEY (source, encounter);

CREATE INDEX access_page ON hallpass.access USING btree (org, type, updated DESC, id DESC) INCLUDE (compartment, consent, custodian, precomputed);

CREATE UNIQUE INDEX access_row ON hallpass.access USING btree (compartment, id, org, consent) NULLS NOT DISTINCT;

CREATE INDEX agreement_id ON hallpass.agreement USING btree (id);

CREATE INDEX agreement_recipient ON hallpass.agreement USING btree (recipient);

CREATE INDEX assertion_expires ON hallpass.assertion USING btree (expires);

CREATE INDEX batch_at ON hallpass.batch USING brin (at);

CREATE INDEX custody_count_sum ON hallpass.custody_count USING btree (custodian, type) INCLUDE (records);

CREATE INDEX disclosure_at ON ONLY hallpass.disclosure USING brin (at);

CREATE INDEX disclosure_custodian ON ONLY hallpass.disclosure USING btree (custodian, at);

CREATE INDEX disclosure_other_at_idx ON hallpass.disclosure_other USING brin (at);

CREATE INDEX disclosure_other_custodian_at_idx ON hallpass.disclosure_other USING btree (custodian, at);

CREATE INDEX disclosure_recipient ON ONLY hallpass.disclosure USING btree (custodian, recipient, at);

CREATE INDEX disclosure_other_custodian_recipient_at_idx ON hallpass.disclosure_other USING btree (custodian, recipient, at);

CREATE INDEX emergency_custodian ON hallpass.emergency USING btree (custodian, opens);

CREATE INDEX emergency_organization ON hallpass.emergency USING btree (organization);

CREATE INDEX ending_xact ON hallpass.ending USING btree (xact);

CREATE INDEX event_first ON hallpass.event USING btree (organization, first);

CREATE UNIQUE INDEX event_id ON hallpass.event USING btree (id);

CREATE INDEX event_minute ON hallpass.event USING brin (minute);

CREATE INDEX export_ended ON hallpass.export USING btree (ended);

CREATE UNIQUE INDEX export_running ON hallpass.export USING btree (client) WHERE (status = ANY (ARRAY['accepted'::text, 'choosing'::text]));

CREATE INDEX expunged_custodian ON hallpass.expunged USING btree (custodian, at);

CREATE INDEX idempotency_key_expires ON hallpass.idempotency_key USING btree (expires);

CREATE INDEX job_ep_ea_idx ON hallpass.job USING btree (entrypoint, execute_after) WHERE (status = 'queued'::hallpass.job_status);

CREATE INDEX job_ep_prio_id_idx ON hallpass.job USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::hallpass.job_status);

CREATE INDEX job_log_created ON hallpass.job_log USING btree (created);

CREATE INDEX job_log_entrypoint ON hallpass.job_log USING btree (entrypoint, created DESC);

CREATE INDEX job_log_job_id_status ON hallpass.job_log USING btree (job_id, created DESC);

CREATE INDEX job_log_not_aggregated ON hallpass.job_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX job_picked_heartbeat_idx ON hallpass.job USING btree (heartbeat) WHERE (status = 'picked'::hallpass.job_status);

CREATE UNIQUE INDEX job_picked_slot_idx ON hallpass.job USING btree (entrypoint, slot) WHERE ((status = 'picked'::hallpass.job_status) AND (slot IS NOT NULL));

CREATE INDEX job_priority_id_id1_idx ON hallpass.job USING btree (priority, id DESC) WHERE (status = 'queued'::hallpass.job_status);

CREATE INDEX job_queue_manager_id_idx ON hallpass.job USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX job_statistics_unique_count ON hallpass.job_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX job_unique_dedupe_key ON hallpass.job USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::hallpass.job_status, 'picked'::hallpass.job_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX organization_ancestors ON hallpass.organization USING gin (ancestors);

CREATE INDEX outside_disclosure_custodian ON hallpass.outside_disclosure USING btree (custodian, at);

CREATE UNIQUE INDEX outside_disclosure_id ON hallpass.outside_disclosure USING btree (id);

CREATE INDEX receipt_recipient ON hallpass.receipt USING btree (recipient);

CREATE INDEX release_recipients ON hallpass.release USING gin (recipients);

CREATE INDEX resource_by_id ON hallpass.resource USING btree (id, version);

CREATE UNIQUE INDEX resource_current ON hallpass.resource USING btree (compartment, id) WHERE current;

CREATE INDEX resource_custody ON hallpass.resource USING btree (custodian, type, updated DESC, id DESC, version DESC);

CREATE INDEX resource_directory ON hallpass.resource USING btree (type, updated DESC, id DESC) WHERE (current AND (NOT deleted) AND directory);

CREATE INDEX resource_directory_history ON hallpass.resource USING btree (type, updated DESC, id DESC, version DESC) WHERE directory;

CREATE INDEX resource_held ON hallpass.resource USING btree (custodian, type, updated DESC, id DESC) INCLUDE (compartment) WHERE (current AND (NOT deleted) AND (NOT directory));

CREATE INDEX resource_parties ON hallpass.resource USING gin (parties) WHERE (parties <> '{}'::uuid[]);

CREATE INDEX staff_address ON hallpass.staff USING btree (organization, address);

CREATE INDEX staff_passkey_client ON hallpass.staff_passkey USING btree (client);

CREATE INDEX staff_session_client ON hallpass.staff_session USING btree (client);

CREATE INDEX submission_touched ON hallpass.submission USING btree (touched);

CREATE INDEX subscription_due ON hallpass.subscription USING btree (next_try) WHERE (status = ANY (ARRAY['requested'::text, 'active'::text]));

CREATE INDEX term_date_lower ON hallpass.term_date USING btree (type, param, lower);

CREATE INDEX term_date_upper ON hallpass.term_date USING btree (type, param, upper);

CREATE INDEX term_quantity_low ON hallpass.term_quantity USING btree (type, param, low);

CREATE INDEX term_reference_code ON hallpass.term_reference USING btree (code, type, param) WHERE (code <> ''::text);

CREATE INDEX term_reference_target ON hallpass.term_reference USING btree (target, type, param) WHERE (target IS NOT NULL);

CREATE INDEX term_reference_url ON hallpass.term_reference USING btree (url, type, param) WHERE (url <> ''::text);

CREATE INDEX term_string_folded ON hallpass.term_string USING btree (type, param, folded);

CREATE INDEX term_token_code ON hallpass.term_token USING btree (type, param, code, system);

CREATE INDEX term_uri_value ON hallpass.term_uri USING btree (type, param, value);

CREATE INDEX transfer_custodian ON hallpass.transfer USING btree (custodian, proposed);

CREATE INDEX transfer_recipient ON hallpass.transfer USING btree (recipient, proposed);

CREATE INDEX tree_id ON hallpass.tree USING btree (id) INCLUDE (ancestor);

CREATE INDEX validity_compartment ON hallpass.validity USING btree (compartment);

CREATE INDEX validity_custodian ON hallpass.validity USING btree (org, custodian);

CREATE INDEX withheld_custodian ON hallpass.withheld USING btree (custodian, at, export, id);

CREATE INDEX written_session_part ON hallpass.written_session USING btree (source, intervention, student);

ALTER INDEX hallpass.disclosure_at ATTACH PARTITION hallpass.disclosure_other_at_idx;

ALTER INDEX hallpass.disclosure_custodian ATTACH PARTITION hallpass.disclosure_other_custodian_at_idx;

ALTER INDEX hallpass.disclosure_recipient ATTACH PARTITION hallpass.disclosure_other_custodian_recipient_at_idx;

ALTER INDEX hallpass.disclosure_pkey ATTACH PARTITION hallpass.disclosure_other_pkey;

CREATE STATISTICS hallpass.access_types (mcv) ON org, type FROM hallpass.access;
ALTER STATISTICS hallpass.access_types SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_date_params (mcv) ON param, type FROM hallpass.term_date;
ALTER STATISTICS hallpass.term_date_params SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_quantity_params (mcv) ON param, type FROM hallpass.term_quantity;
ALTER STATISTICS hallpass.term_quantity_params SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_reference_params (mcv) ON param, type FROM hallpass.term_reference;
ALTER STATISTICS hallpass.term_reference_params SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_string_params (mcv) ON param, type FROM hallpass.term_string;
ALTER STATISTICS hallpass.term_string_params SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_token_values (dependencies, mcv) ON param, type, code FROM hallpass.term_token;
ALTER STATISTICS hallpass.term_token_values SET STATISTICS 1000;

CREATE STATISTICS hallpass.term_uri_values (mcv) ON param, type, value FROM hallpass.term_uri;
ALTER STATISTICS hallpass.term_uri_values SET STATISTICS 1000;

CREATE TRIGGER count_custody AFTER INSERT ON hallpass.resource REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hallpass.count_custody();

CREATE TRIGGER note_closed_records AFTER INSERT ON hallpass.resource REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hallpass.note_closed_records();

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.agreement FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('agreement');

CREATE TRIGGER note_ending AFTER DELETE OR UPDATE ON hallpass.authority FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('authority');

CREATE TRIGGER note_ending AFTER UPDATE ON hallpass.client FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('client');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.endpoint FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('endpoint');

CREATE TRIGGER note_ending AFTER UPDATE ON hallpass.organization FOR EACH ROW WHEN (((old.ancestors <> new.ancestors) OR (old.honor AND (NOT new.honor)) OR (NOT (old.classes <@ new.classes)))) EXECUTE FUNCTION hallpass.note_ending('organization');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.release FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('release');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.sign_in_provider FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('provider');

CREATE TRIGGER note_ending AFTER DELETE OR UPDATE ON hallpass.student FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('student');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.subscription FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('subscription');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.sync_source FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('sync_source');

CREATE TRIGGER note_ending AFTER DELETE ON hallpass.transfer FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('transfer');

CREATE TRIGGER note_off AFTER UPDATE ON hallpass.subscription FOR EACH ROW WHEN (((old.status <> 'off'::text) AND (new.status = 'off'::text))) EXECUTE FUNCTION hallpass.note_ending('subscription');

ALTER TABLE ONLY hallpass.client_limit
    ADD CONSTRAINT client_limit_client_fkey FOREIGN KEY (client) REFERENCES hallpass.client(id);

ALTER TABLE ONLY hallpass.client
    ADD CONSTRAINT client_organization_fkey FOREIGN KEY (organization) REFERENCES hallpass.organization(id);

ALTER TABLE ONLY hallpass.endpoint
    ADD CONSTRAINT endpoint_organization_fkey FOREIGN KEY (organization) REFERENCES hallpass.organization(id);

ALTER TABLE ONLY hallpass.export_block
    ADD CONSTRAINT export_block_export_fkey FOREIGN KEY (export) REFERENCES hallpass.export(id) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.export_item
    ADD CONSTRAINT export_item_export_fkey FOREIGN KEY (export) REFERENCES hallpass.export(id) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.export_student
    ADD CONSTRAINT export_student_export_fkey FOREIGN KEY (export) REFERENCES hallpass.export(id) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.provision
    ADD CONSTRAINT provision_compartment_consent_fkey FOREIGN KEY (compartment, consent) REFERENCES hallpass.release(compartment, consent) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.sign_in_provider
    ADD CONSTRAINT sign_in_provider_organization_fkey FOREIGN KEY (organization) REFERENCES hallpass.organization(id);

ALTER TABLE ONLY hallpass.staff
    ADD CONSTRAINT staff_client_fkey FOREIGN KEY (client) REFERENCES hallpass.client(id);

ALTER TABLE ONLY hallpass.staff_link
    ADD CONSTRAINT staff_link_client_fkey FOREIGN KEY (client) REFERENCES hallpass.staff(client);

ALTER TABLE ONLY hallpass.staff
    ADD CONSTRAINT staff_organization_fkey FOREIGN KEY (organization) REFERENCES hallpass.organization(id);

ALTER TABLE ONLY hallpass.staff_passkey
    ADD CONSTRAINT staff_passkey_client_fkey FOREIGN KEY (client) REFERENCES hallpass.staff(client);

ALTER TABLE ONLY hallpass.staff_session
    ADD CONSTRAINT staff_session_client_fkey FOREIGN KEY (client) REFERENCES hallpass.staff(client);

ALTER TABLE ONLY hallpass.submission_file
    ADD CONSTRAINT submission_file_submission_fkey FOREIGN KEY (submission) REFERENCES hallpass.submission(id) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.submission_line
    ADD CONSTRAINT submission_line_submission_n_fkey FOREIGN KEY (submission, n) REFERENCES hallpass.submission_file(submission, n) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.subscription_event
    ADD CONSTRAINT subscription_event_subscription_fkey FOREIGN KEY (subscription) REFERENCES hallpass.subscription(id) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.written_service
    ADD CONSTRAINT written_service_source_fkey FOREIGN KEY (source) REFERENCES hallpass.sync_source(name) ON DELETE CASCADE;

ALTER TABLE ONLY hallpass.written_session
    ADD CONSTRAINT written_session_source_fkey FOREIGN KEY (source) REFERENCES hallpass.sync_source(name) ON DELETE CASCADE;

ALTER TABLE hallpass.access ENABLE ROW LEVEL SECURITY;

CREATE POLICY add ON hallpass.resource FOR INSERT WITH CHECK (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = resource.custodian)))) OR ((type = 'Task'::text) AND (parties && ( SELECT hallpass.ancestors() AS ancestors)))));

CREATE POLICY agreed ON hallpass.community_report FOR SELECT USING ((whole AND (EXISTS ( SELECT 1
   FROM (hallpass.tree t
     JOIN hallpass.agreement a ON ((a.discloser = t.ancestor)))
  WHERE ((t.id = community_report.organization) AND (a.recipient = ANY (hallpass.ancestors())) AND (a.opens <= hallpass.statement_time()) AND (hallpass.statement_time() < a.closes))))));

ALTER TABLE hallpass.agreement ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.authority ENABLE ROW LEVEL SECURITY;

CREATE POLICY change ON hallpass.transfer FOR UPDATE USING (((custodian = ( SELECT hallpass.caller() AS caller)) AND (accepted IS NULL)));

ALTER TABLE hallpass.client_limit ENABLE ROW LEVEL SECURITY;

CREATE POLICY colleague ON hallpass.staff FOR SELECT USING (((organization = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = staff.organization))))));

ALTER TABLE hallpass.community_report ENABLE ROW LEVEL SECURITY;

CREATE POLICY concerned ON hallpass.event FOR SELECT USING (((organization = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = event.organization))))));

ALTER TABLE hallpass.custody_count ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.disclosure ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.emergency ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.ending ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.endpoint ENABLE ROW LEVEL SECURITY;

CREATE POLICY enter ON hallpass.glass_review FOR INSERT WITH CHECK ((custodian = ( SELECT hallpass.caller() AS caller)));

CREATE POLICY enter ON hallpass.outside_disclosure FOR INSERT WITH CHECK ((custodian = ( SELECT hallpass.caller() AS caller)));

ALTER TABLE hallpass.event ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.export ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.export_block ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.export_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.export_student ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.expunged ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.feed_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.feed_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.feed_withdrawal ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.glass_review ENABLE ROW LEVEL SECURITY;

CREATE POLICY held ON hallpass.agreement USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = agreement.custodian))))));

CREATE POLICY held ON hallpass.authority USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = authority.custodian))))));

CREATE POLICY held ON hallpass.community_report FOR SELECT USING (hallpass.holds(organization));

CREATE POLICY held ON hallpass.custody_count FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = custody_count.custodian))))));

CREATE POLICY held ON hallpass.disclosure FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = disclosure.custodian))))));

CREATE POLICY held ON hallpass.emergency FOR SELECT USING ((EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = emergency.custodian)))));

CREATE POLICY held ON hallpass.glass_review FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = glass_review.custodian))))));

CREATE POLICY held ON hallpass.outside_disclosure FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = outside_disclosure.custodian))))));

CREATE POLICY held ON hallpass.provision USING ((EXISTS ( SELECT 1
   FROM hallpass.release e
  WHERE ((e.compartment = provision.compartment) AND (e.consent = provision.consent)))));

CREATE POLICY held ON hallpass.receipt FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = receipt.custodian))))));

CREATE POLICY held ON hallpass.release USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = release.custodian))))));

CREATE POLICY held ON hallpass.student USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = student.custodian))))));

CREATE POLICY held ON hallpass.withheld FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = withheld.custodian))))));

ALTER TABLE hallpass.idempotency_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.index_backlog ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.mark ENABLE ROW LEVEL SECURITY;

CREATE POLICY member ON hallpass.agreement FOR SELECT USING ((( SELECT hallpass.caller() AS caller) IS NOT NULL));

CREATE POLICY member ON hallpass.organization FOR SELECT USING ((( SELECT hallpass.caller() AS caller) IS NOT NULL));

CREATE POLICY member ON hallpass.tree FOR SELECT USING ((( SELECT hallpass.caller() AS caller) IS NOT NULL));

CREATE POLICY member ON hallpass.verified_identifier FOR SELECT USING ((( SELECT hallpass.caller() AS caller) IS NOT NULL));

CREATE POLICY named ON hallpass.access FOR SELECT USING ((org = ANY (( SELECT hallpass.ancestors() AS ancestors)::uuid[])));

CREATE POLICY named ON hallpass.validity FOR SELECT USING ((org = ANY (( SELECT hallpass.ancestors() AS ancestors)::uuid[])));

ALTER TABLE hallpass.organization ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.outside_disclosure ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON hallpass.emergency FOR SELECT USING ((organization = ( SELECT hallpass.caller() AS caller)));

CREATE POLICY own ON hallpass.export USING ((client = ( SELECT current_setting('hallpass.client'::text, true) AS current_setting)));

CREATE POLICY own ON hallpass.export_block USING ((EXISTS ( SELECT 1
   FROM hallpass.export e
  WHERE (e.id = export_block.export))));

CREATE POLICY own ON hallpass.export_item USING ((EXISTS ( SELECT 1
   FROM hallpass.export e
  WHERE (e.id = export_item.export))));

CREATE POLICY own ON hallpass.export_student USING ((EXISTS ( SELECT 1
   FROM hallpass.export e
  WHERE (e.id = export_student.export))));

CREATE POLICY own ON hallpass.feed_answer USING ((reader = ( SELECT hallpass.feed_reader() AS feed_reader)));

CREATE POLICY own ON hallpass.feed_entry USING ((reader = ( SELECT hallpass.feed_reader() AS feed_reader)));

CREATE POLICY own ON hallpass.feed_withdrawal USING ((reader = ( SELECT hallpass.feed_reader() AS feed_reader)));

CREATE POLICY own ON hallpass.idempotency_key USING ((client = ( SELECT NULLIF(current_setting('hallpass.client'::text, true), ''::text) AS "nullif")));

CREATE POLICY own ON hallpass.receipt FOR SELECT USING ((recipient = ANY (( SELECT hallpass.ancestors() AS ancestors)::uuid[])));

CREATE POLICY own ON hallpass.submission USING ((client = ( SELECT current_setting('hallpass.client'::text, true) AS current_setting)));

CREATE POLICY own ON hallpass.submission_file USING ((EXISTS ( SELECT 1
   FROM hallpass.submission s
  WHERE (s.id = submission_file.submission))));

CREATE POLICY own ON hallpass.submission_line USING ((EXISTS ( SELECT 1
   FROM hallpass.submission s
  WHERE (s.id = submission_line.submission))));

CREATE POLICY own ON hallpass.submitted USING ((organization = ( SELECT hallpass.caller() AS caller)));

CREATE POLICY own ON hallpass.subscription USING (hallpass.holds(custodian));

CREATE POLICY own ON hallpass.subscription_event USING ((EXISTS ( SELECT 1
   FROM hallpass.subscription s
  WHERE (s.id = subscription_event.subscription))));

CREATE POLICY party ON hallpass.transfer FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (recipient = ( SELECT hallpass.caller() AS caller))));

CREATE POLICY propose ON hallpass.transfer FOR INSERT WITH CHECK ((custodian = ( SELECT hallpass.caller() AS caller)));

ALTER TABLE hallpass.provision ENABLE ROW LEVEL SECURITY;

CREATE POLICY publish ON hallpass.community_report FOR INSERT WITH CHECK (hallpass.holds(organization));

ALTER TABLE hallpass.receipt ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.release ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.resource ENABLE ROW LEVEL SECURITY;

CREATE POLICY see ON hallpass.resource FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = resource.custodian)))) OR (directory AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR ((current OR hallpass.sees_current(compartment, id)) AND (hallpass.sees_as_party(compartment, id, type, parties) OR ((student IS NOT NULL) AND current AND (EXISTS ( SELECT 1
   FROM (hallpass.access a
     CROSS JOIN LATERAL ( SELECT 1 AS "?column?"
           FROM hallpass.active_release k_1
          WHERE ((k_1.org = a.org) AND (k_1.consent = a.consent) AND k_1.exact)
         OFFSET 0) k)
  WHERE ((a.compartment = resource.compartment) AND (a.id = resource.id) AND a.precomputed)))) OR ((student IS NOT NULL) AND ((NOT current) OR deleted OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = resource.compartment) AND (a.id = resource.id))))) AND (hallpass.consent_permitting(compartment, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical) IS NOT NULL)) OR ((student IS NOT NULL) AND ( SELECT hallpass.emergency() AS emergency) AND hallpass.in_emergency(type, labels) AND hallpass.glass_broken(compartment))))));

CREATE POLICY see ON hallpass.term_date FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_date.compartment) AND (a.id = term_date.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_date.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

CREATE POLICY see ON hallpass.term_quantity FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_quantity.compartment) AND (a.id = term_quantity.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_quantity.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

CREATE POLICY see ON hallpass.term_reference FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_reference.compartment) AND (a.id = term_reference.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_reference.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

CREATE POLICY see ON hallpass.term_string FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_string.compartment) AND (a.id = term_string.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_string.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

CREATE POLICY see ON hallpass.term_token FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_token.compartment) AND (a.id = term_token.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_token.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

CREATE POLICY see ON hallpass.term_uri FOR SELECT USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (hallpass.in_directory(type) AND (( SELECT hallpass.caller() AS caller) IS NOT NULL)) OR (EXISTS ( SELECT 1
   FROM hallpass.access a
  WHERE ((a.compartment = term_uri.compartment) AND (a.id = term_uri.id)))) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = term_uri.custodian)))) OR (( SELECT hallpass.emergency() AS emergency) AND hallpass.glass_broken(compartment))));

ALTER TABLE hallpass.sign_in_provider ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.staff ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.staff_challenge ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.staff_link ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.staff_passkey ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.staff_session ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.student ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.submission ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.submission_file ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.submission_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.submitted ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.subscription ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.subscription_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY supersede ON hallpass.resource FOR UPDATE USING (((custodian = ( SELECT hallpass.caller() AS caller)) OR (EXISTS ( SELECT 1
   FROM hallpass.tree t
  WHERE ((t.ancestor = ( SELECT hallpass.caller() AS caller)) AND (t.id = resource.custodian)))) OR ((type = 'Task'::text) AND (parties && (( SELECT hallpass.ancestors() AS ancestors) || '00000000-0000-0000-0000-000000000001'::uuid)))));

ALTER TABLE hallpass.term_date ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.term_quantity ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.term_reference ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.term_string ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.term_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.term_uri ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.transfer ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.tree ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.validity ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.verified_identifier ENABLE ROW LEVEL SECURITY;

CREATE POLICY withdraw ON hallpass.transfer FOR DELETE USING (((custodian = ( SELECT hallpass.caller() AS caller)) AND (accepted IS NULL)));

ALTER TABLE hallpass.withheld ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.witness_check ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.witnessed_chain ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.written_service ENABLE ROW LEVEL SECURITY;

ALTER TABLE hallpass.written_session ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA hallpass TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.accept_transfer(p_id uuid, p_agent jsonb, p_purposes text[], p_request uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.accept_transfer(p_id uuid, p_agent jsonb, p_purposes text[], p_request uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.acting() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.acting() TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.release TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.student TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.adult_from(e hallpass.release, s hallpass.student) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.adult_from(e hallpass.release, s hallpass.student) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.agreed_custodians() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.agreed_custodians() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.agreed_since(p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.agreed_since(p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.agreement_key(p_discloser uuid, p_recipient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.agreement_key(p_discloser uuid, p_recipient uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.agreement_required() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.agreement_required() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.ancestors() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.ancestors() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.asserted_purposes(p_organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.asserted_purposes(p_organization uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.await_disclosures(p_client text, p_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.await_disclosures(p_client text, p_token text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.begin_keyed(p_key bytea, OUT busy boolean, OUT request bytea, OUT written jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.begin_keyed(p_key bytea, OUT busy boolean, OUT request bytea, OUT written jsonb) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.begin_staff_session(p_client text, p_session bytea, p_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.begin_staff_session(p_client text, p_session bytea, p_seconds integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.birthday(born date, age integer, zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.birthday(born date, age integer, zone text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.caller() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.caller() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.claim_subscriptions(p_most integer, p_lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.claim_subscriptions(p_most integer, p_lease interval) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.clear_index_backlog(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.clear_index_backlog(p_limit integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.client_is_active(p_client text, p_token text, p_organization uuid, p_emergency boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.client_is_active(p_client text, p_token text, p_organization uuid, p_emergency boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.client_key(p_client text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.client_key(p_client text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.client_limits() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.client_limits() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.condition_key(p_condition uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.condition_key(p_condition uuid) TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.provision TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.conditions_match(p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.conditions_match(p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.consent_permitting(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.consent_permitting(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.consent_scope(p_compartment uuid, p_consent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.consent_scope(p_compartment uuid, p_consent uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.count_custody() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.count_custody() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.counts_as(p_organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.counts_as(p_organization uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.database_is_current() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.database_is_current() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.defer_index(p_compartment uuid, p_custodian uuid, p_distrust boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.defer_index(p_compartment uuid, p_custodian uuid, p_distrust boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.disclose(p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[], p_versions integer[], p_custodians uuid[], p_locked_compartments uuid[], p_locked_custodians uuid[], OUT entered integer, OUT own uuid[], OUT ground_ids uuid[], OUT ground_versions integer[], OUT grounds uuid[], OUT grounds_versions integer[], OUT scopes text[], OUT redisclosable boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.disclose(p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_compartments uuid[], p_ids uuid[], p_versions integer[], p_custodians uuid[], p_locked_compartments uuid[], p_locked_custodians uuid[], OUT entered integer, OUT own uuid[], OUT ground_ids uuid[], OUT ground_versions integer[], OUT grounds uuid[], OUT grounds_versions integer[], OUT scopes text[], OUT redisclosable boolean[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.disclosure_keys(p_compartments uuid[], p_custodians uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.disclosure_keys(p_compartments uuid[], p_custodians uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.drop_ledger(p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.emergency() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.emergency() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.end_staff_session(p_session bytea, p_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.end_staff_session(p_session bytea, p_token text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.endpoint_allowed(p_endpoint text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.endpoint_allowed(p_endpoint text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.enter_query(p_agent jsonb, p_purposes text[], p_request uuid, p_interaction text, p_type text, p_types text[], p_party_types text[], p_students uuid[], p_parameters text[], p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.enter_query(p_agent jsonb, p_purposes text[], p_request uuid, p_interaction text, p_type text, p_types text[], p_party_types text[], p_students uuid[], p_parameters text[], p_text text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.enter_receipts(p_compartments uuid[], p_consents uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.entry_bytes(compartment uuid, at timestamp with time zone, request uuid, id uuid, version integer, type text, interaction text, student uuid, custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid, consent_version integer, reason text, parameters text[], students integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.entry_bytes(compartment uuid, at timestamp with time zone, request uuid, id uuid, version integer, type text, interaction text, student uuid, custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid, consent_version integer, reason text, parameters text[], students integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.expected_access_rows(p_compartments uuid[], p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.expected_access_rows(p_compartments uuid[], p_ids uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.expected_student_access(p_compartment uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.expected_student_access(p_compartment uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.expected_validity(p_compartment uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.expected_validity(p_compartment uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_associated(p_export uuid, p_compartments uuid[], p_latest boolean, p_by_patient boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_associated(p_export uuid, p_compartments uuid[], p_latest boolean, p_by_patient boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_choose(p_export uuid, p_types text[], p_compartments uuid[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone, p_by_patient boolean, p_consents boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_choose(p_export uuid, p_types text[], p_compartments uuid[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone, p_by_patient boolean, p_consents boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_deleted(p_export uuid, p_types text[], p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_deleted(p_export uuid, p_types text[], p_since timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_directory(p_export uuid, p_types text[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_directory(p_export uuid, p_types text[], p_ids uuid[], p_since timestamp with time zone, p_until timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_releases(p_export uuid, p_after uuid, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_releases(p_export uuid, p_after uuid, p_most integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_students(p_export uuid, p_types text[], p_only uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_students(p_export uuid, p_types text[], p_only uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.export_withhold(p_export uuid, p_series text, p_after bigint, p_last bigint, p_given uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.export_withhold(p_export uuid, p_series text, p_after bigint, p_last bigint, p_given uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.exports_over(p_exports uuid[], p_before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.exports_over(p_exports uuid[], p_before timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.exports_running() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.exports_running() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.expunge(p_compartment uuid, p_ids uuid[], p_authority text, p_by text) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.fail_export(p_export uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.fail_export(p_export uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.fail_submission(p_submission uuid, p_problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.fail_submission(p_submission uuid, p_problem text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_answered(p_feed text, p_since timestamp with time zone, p_at timestamp with time zone, p_gives boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_answered(p_feed text, p_since timestamp with time zone, p_at timestamp with time zone, p_gives boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_begin(p_feed text, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_begin(p_feed text, p_since timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_give(p_feed text, p_walk timestamp with time zone, p_compartments uuid[], p_ids uuid[], p_versions integer[], p_types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_give(p_feed text, p_walk timestamp with time zone, p_compartments uuid[], p_ids uuid[], p_versions integer[], p_types text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_horizon() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_horizon() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_reader() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_reader() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.feed_withdraw(p_feed text, p_at timestamp with time zone, p_told timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.feed_withdraw(p_feed text, p_at timestamp with time zone, p_told timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.finish_subscription(p_id uuid, p_sent bigint, p_error text, p_wait interval) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.finish_subscription(p_id uuid, p_sent bigint, p_error text, p_wait interval) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.fold_custody_counts() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.fold_custody_counts() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.forget_keyed(p_before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.forget_keyed(p_before timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.given_before(p_compartment uuid, p_id uuid, p_version integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.given_before(p_compartment uuid, p_id uuid, p_version integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.glass_broken(r_compartment uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.glass_broken(r_compartment uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.hangs_on_signers(r_labels text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.hangs_on_signers(r_labels text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.has_receipt(p_compartment uuid, p_consent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.has_receipt(p_compartment uuid, p_consent uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.holds(p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.holds(p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.honoring() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.honoring() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.identified(p_types text[], p_system text, p_value text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.identified(p_types text[], p_system text, p_value text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.in_directory(type text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.in_directory(type text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.in_line(p_one uuid, p_other uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.in_line(p_one uuid, p_other uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.index_key(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.index_key(p_compartment uuid, p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.index_records(p_compartments uuid[], p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.index_records(p_compartments uuid[], p_ids uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.instant() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.instant() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.judge(p_compartments uuid[], p_ids uuid[], p_versions integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.judge(p_compartments uuid[], p_ids uuid[], p_versions integer[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.keep_keyed(p_key bytea, p_request bytea, p_written jsonb, p_hours integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.keep_keyed(p_key bytea, p_request bytea, p_written jsonb, p_hours integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.keep_staff_passkey(p_session bytea, p_id bytea, p_key bytea, p_counter bigint, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.keep_staff_passkey(p_session bytea, p_id bytea, p_key bytea, p_counter bigint, p_most integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lapsed_custodians() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lapsed_custodians() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_agreements(p_disclosers uuid[], p_recipients uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_agreements(p_disclosers uuid[], p_recipients uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_chain() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_chain() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_conditions(p_conditions uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_conditions(p_conditions uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_create(p_compartment uuid, p_custodian uuid, p_id uuid, p_kind text, p_refs uuid[], OUT at timestamp with time zone, OUT ids uuid[], OUT types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_create(p_compartment uuid, p_custodian uuid, p_id uuid, p_kind text, p_refs uuid[], OUT at timestamp with time zone, OUT ids uuid[], OUT types text[]) TO hallpass_app;

GRANT SELECT,INSERT ON TABLE hallpass.resource TO hallpass_app;

GRANT UPDATE(current) ON TABLE hallpass.resource TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_current(p_compartment uuid, p_custodian uuid, p_type text, p_id uuid, p_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_current(p_compartment uuid, p_custodian uuid, p_type text, p_id uuid, p_kind text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_disclosure(p_compartments uuid[], p_custodians uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_disclosure(p_compartments uuid[], p_custodians uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.lock_writes(p_compartments uuid[], p_custodians uuid[], p_ids uuid[], p_kinds text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.lock_writes(p_compartments uuid[], p_custodians uuid[], p_ids uuid[], p_kinds text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.next_link(before bytea, entries bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.next_link(before bytea, entries bytea) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.note_closed_records() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.note_closed_records() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.note_ending() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.note_ending() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.operating_figures() FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.part2_age(p_state text, p_on date) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.part2_age(p_state text, p_on date) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.partition_ledger(p_from date, p_until date) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.party_versions(p_types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.party_versions(p_types text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.permitting_by_referrer(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_confidentiality smallint, r_labels text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.permitting_by_referrer(r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_confidentiality smallint, r_labels text[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.place_key(p_organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.place_key(p_organization uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.place_organization(p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text, p_classes uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.place_organization(p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text, p_classes uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.provision_matches(p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.provision_matches(p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.purposes() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.purposes() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.put_authorities(p_compartments uuid[], p_ids uuid[], p_custodians uuid[], p_opens timestamp with time zone[], p_closes timestamp with time zone[], p_adult boolean[], p_new boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.put_authorities(p_compartments uuid[], p_ids uuid[], p_custodians uuid[], p_opens timestamp with time zone[], p_closes timestamp with time zone[], p_adult boolean[], p_new boolean[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.put_many(p_rows hallpass.resource_version[], p_terms jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.put_many(p_rows hallpass.resource_version[], p_terms jsonb) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.put_students(p_compartments uuid[], p_custodians uuid[], p_from date[], p_to date[], p_emancipated timestamp with time zone[], p_enrolled timestamp with time zone[], p_new boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.put_students(p_compartments uuid[], p_custodians uuid[], p_from date[], p_to date[], p_emancipated timestamp with time zone[], p_enrolled timestamp with time zone[], p_new boolean[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.put_terms(p_compartments uuid[], p_ids uuid[], p_terms jsonb, p_replace boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.put_terms(p_compartments uuid[], p_ids uuid[], p_terms jsonb, p_replace boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.queried(p_types text[], p_party_types text[], p_students uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.queried(p_types text[], p_party_types text[], p_students uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.reached() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.reached() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.read(p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[], p_ids uuid[], p_versions integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.read(p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[], p_ids uuid[], p_versions integer[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.record_command(p_organization uuid, p_detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.record_key(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.record_key(p_id uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.record_security_event(p_kind text, p_client text, p_outcome text, p_detail text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.record_security_event(p_kind text, p_client text, p_outcome text, p_detail text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.referral_of(p_compartment uuid, p_custodian uuid, p_refs uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.referral_of(p_compartment uuid, p_custodian uuid, p_refs uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.refers(p_compartment uuid, p_from uuid[], p_custodian uuid, p_to uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.refers(p_compartment uuid, p_from uuid[], p_custodian uuid, p_to uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.refresh_validity(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.refresh_validity(p_compartment uuid, p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.release_key(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.release_key(p_compartment uuid, p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.released_since(p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.released_since(p_since timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.releasing() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.releasing() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.remove_organization(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.remove_organization(p_id uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.same_student(p_patient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.same_student(p_patient uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.seen(p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.seen(p_ids uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.sees_as_party(r_compartment uuid, r_id uuid, r_type text, r_parties uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.sees_as_party(r_compartment uuid, r_id uuid, r_type text, r_parties uuid[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.sees_current(p_compartment uuid, p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.sees_current(p_compartment uuid, p_id uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.set_caller(p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.set_caller(p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.set_caller_from_json(p_caller jsonb, p_agreement boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.set_operator(p_organization uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION hallpass.share_usage(p_clients text[], p_bytes bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.share_usage(p_clients text[], p_bytes bigint[]) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.sign_in_provider(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.sign_in_provider(p_name text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.signers_suffice(e hallpass.release, r_labels text[], r_clinical tstzrange) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.signers_suffice(e hallpass.release, r_labels text[], r_clinical tstzrange) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.staff_of_session(p_session bytea, p_idle integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.staff_of_session(p_session bytea, p_idle integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.staff_passkey_key(p_id bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.staff_passkey_key(p_id bytea) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.staff_passkeys(p_session bytea, p_remove boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.staff_passkeys(p_session bytea, p_remove boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.stamp() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.stamp() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.standbys_follow() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.standbys_follow() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.statement_time() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.statement_time() TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.sweep_exports(p_before timestamp with time zone, p_stuck timestamp with time zone, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.sweep_exports(p_before timestamp with time zone, p_stuck timestamp with time zone, p_most integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.sweep_submissions(p_before timestamp with time zone, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.sweep_submissions(p_before timestamp with time zone, p_most integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.take_challenge(p_challenge bytea, p_expires timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.take_challenge(p_challenge bytea, p_expires timestamp with time zone) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.token_key(p_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.token_key(p_token text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.transferable(p_compartment uuid, p_custodian uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.transferable(p_compartment uuid, p_custodian uuid) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.use_staff_link(p_link bytea, p_session bytea, p_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.use_staff_link(p_link bytea, p_session bytea, p_seconds integer) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.use_staff_passkey(p_id bytea, p_counter bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.use_staff_passkey(p_id bytea, p_counter bigint) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.verdict(p_nodes integer[], p_parents integer[], p_root boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.verdict(p_nodes integer[], p_parents integer[], p_root boolean) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.vouched_staff(p_organization uuid, p_issuer text, p_subject text, p_address text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.vouched_staff(p_organization uuid, p_issuer text, p_subject text, p_address text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.witnessed(p_xact text) FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.witnessed(p_xact text) TO hallpass_app;

REVOKE ALL ON FUNCTION hallpass.worker_lives() FROM PUBLIC;
GRANT ALL ON FUNCTION hallpass.worker_lives() TO hallpass_app;

GRANT SELECT ON TABLE hallpass.access TO hallpass_app;

GRANT SELECT ON TABLE hallpass.validity TO hallpass_app;

GRANT SELECT ON TABLE hallpass.active_release TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.agreement TO hallpass_app;

GRANT SELECT ON TABLE hallpass.alembic_version TO hallpass_app;

GRANT SELECT,INSERT,DELETE ON TABLE hallpass.assertion TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.authority TO hallpass_app;

GRANT SELECT ON TABLE hallpass.client TO hallpass_app;

GRANT SELECT,INSERT ON TABLE hallpass.community_report TO hallpass_app;

GRANT SELECT ON TABLE hallpass.custody_count TO hallpass_app;

GRANT SELECT ON TABLE hallpass.disclosure TO hallpass_app;

GRANT SELECT ON TABLE hallpass.emergency TO hallpass_app;

GRANT SELECT ON TABLE hallpass.event TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.export TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.export_block TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.export_item TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.export_student TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.feed_answer TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.feed_entry TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.feed_withdrawal TO hallpass_app;

GRANT SELECT,INSERT ON TABLE hallpass.glass_review TO hallpass_app;

GRANT SELECT,INSERT,UPDATE ON TABLE hallpass.idempotency_key TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.job TO hallpass_app;

GRANT USAGE ON SEQUENCE hallpass.job_id_seq TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.job_log TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.job_schedule TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.job_statistics TO hallpass_app;

GRANT SELECT ON TABLE hallpass.organization TO hallpass_app;

GRANT SELECT,INSERT ON TABLE hallpass.outside_disclosure TO hallpass_app;

GRANT SELECT ON TABLE hallpass.receipt TO hallpass_app;

GRANT SELECT,INSERT,DELETE ON TABLE hallpass.revoked_token TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.signing_key TO hallpass_app;

GRANT SELECT ON TABLE hallpass.staff TO hallpass_app;

GRANT SELECT,INSERT,UPDATE ON TABLE hallpass.submission TO hallpass_app;

GRANT SELECT,INSERT,UPDATE ON TABLE hallpass.submission_file TO hallpass_app;

GRANT SELECT,INSERT ON TABLE hallpass.submission_line TO hallpass_app;

GRANT SELECT,INSERT,UPDATE ON TABLE hallpass.submitted TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.subscription TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.subscription_event TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_date TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_quantity TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_reference TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_string TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_token TO hallpass_app;

GRANT SELECT ON TABLE hallpass.term_uri TO hallpass_app;

GRANT SELECT,INSERT,DELETE ON TABLE hallpass.transfer TO hallpass_app;

GRANT UPDATE(waiting) ON TABLE hallpass.transfer TO hallpass_app;

GRANT SELECT ON TABLE hallpass.tree TO hallpass_app;

GRANT SELECT ON TABLE hallpass.verified_identifier TO hallpass_app;

GRANT SELECT ON TABLE hallpass.withheld TO hallpass_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE hallpass.worker TO hallpass_app;

GRANT SELECT ON SEQUENCE hallpass.write_count TO hallpass_app;
