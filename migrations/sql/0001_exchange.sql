-- The exchange: resources, releases and what follows from them, the access index, row-level security, the ledger.
-- Run once, by the owner, inside the schema "hallpass".

-- Who is calling ---------------------------------------------------------------------------------------------------
-- The caller is a set of transaction-local settings that only hallpass.enter() fills. With none set, the helpers
-- below answer NULL or an empty array, every policy is false, and the app's role reads zero rows.

CREATE FUNCTION hallpass.moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;
COMMENT ON FUNCTION hallpass.moment() IS 'The one clock: what is in time is in time at this moment.';

CREATE FUNCTION hallpass.caller() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hallpass.organization', true), '')::uuid $$;
CREATE FUNCTION hallpass.above() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.above', true), ''), '{}')::uuid[] $$;
CREATE FUNCTION hallpass.below() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.below', true), ''), '{}')::uuid[] $$;
CREATE FUNCTION hallpass.purposes() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.purposes', true), ''), '{}')::text[] $$;
CREATE FUNCTION hallpass.agreement_required() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.agreement_required', true), ''), 'true')::boolean $$;
CREATE FUNCTION hallpass.emergency() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.emergency', true), ''), 'false')::boolean $$;

-- Resources --------------------------------------------------------------------------------------------------------

CREATE TABLE hallpass.resource (
    shard           uuid NOT NULL,           -- the student's id; the resource's own id outside a compartment
    id              uuid NOT NULL,
    version         integer NOT NULL,
    type            text COLLATE "C" NOT NULL,
    custodian       uuid NOT NULL,
    student         uuid,                    -- NULL outside a compartment
    directory       boolean NOT NULL,
    current         boolean NOT NULL,
    deleted         boolean NOT NULL,
    updated         timestamptz NOT NULL,
    method          text NOT NULL,           -- POST, PUT, PATCH, DELETE: history says how a version came about
    body            bytea NOT NULL,          -- FHIR JSON as served to the custodian; empty for a deletion
    label_at        integer NOT NULL,        -- where in body meta.security takes another label
    digest          bytea NOT NULL,          -- of the canonical content, to tell a change from none
    -- the facts that consent is judged by, of this version
    profiles        text[] NOT NULL,
    codes           text[] NOT NULL,         -- system|code
    confidentiality smallint NOT NULL,       -- U 0, L 1, M 2, N 3 (also unlabelled), R 4, V 5, not understood 6
    labels          text[] NOT NULL,         -- sensitivity and policy labels that a release must name
    parties         uuid[] NOT NULL,
    refs            uuid[] NOT NULL,         -- what the custodian's own elements refer to
    authors         uuid[] NOT NULL,
    clinical        tstzrange,               -- when the data was about; empty: about no time; NULL: not said
    PRIMARY KEY (shard, id, version)
);
CREATE UNIQUE INDEX resource_current ON hallpass.resource (shard, id) WHERE current;
CREATE INDEX resource_by_id ON hallpass.resource (id, version);
CREATE INDEX resource_directory ON hallpass.resource (type, updated DESC, id DESC)
    WHERE current AND NOT deleted AND directory;

CREATE TABLE hallpass.access (
    shard   uuid NOT NULL,
    org     uuid NOT NULL,
    id      uuid NOT NULL,
    type    text COLLATE "C" NOT NULL,
    updated timestamptz NOT NULL,
    opens   timestamptz NOT NULL,
    closes  timestamptz NOT NULL,
    PRIMARY KEY (shard, org, id)
);
CREATE INDEX access_page ON hallpass.access (org, type, updated DESC, id DESC);
CREATE INDEX access_id ON hallpass.access (org, id);
CREATE INDEX access_resource ON hallpass.access (shard, id);
COMMENT ON TABLE hallpass.access IS
    'Candidates: a row for each organization and current resource that custody, party or a release may open.';

-- What releases depend on, kept by the writes of the resources that say it --------------------------------------------

CREATE TABLE hallpass.organization (
    id     uuid PRIMARY KEY,
    above  uuid[] NOT NULL,                  -- itself and each organization it is part of
    zone   text NOT NULL,
    honour boolean NOT NULL                  -- a parent's release is honoured past the 18th birthday
);
CREATE INDEX organization_above ON hallpass.organization USING gin (above);

CREATE TABLE hallpass.student (
    shard     uuid PRIMARY KEY,
    custodian uuid NOT NULL,
    born_from date NOT NULL,                 -- first and last possible day of birth, 29 February as 1 March
    born_to   date NOT NULL
);

CREATE TABLE hallpass.authority (
    shard     uuid NOT NULL,
    id        uuid NOT NULL,                 -- the RelatedPerson with parental or guardian authority
    custodian uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (shard, id)
);

CREATE TABLE hallpass.agreement (
    id        uuid NOT NULL,                 -- the OrganizationAffiliation
    custodian uuid NOT NULL,
    discloser uuid NOT NULL,
    recipient uuid NOT NULL,
    opens     timestamptz NOT NULL,
    closes    timestamptz NOT NULL,
    PRIMARY KEY (discloser, recipient, id)
);
CREATE INDEX agreement_id ON hallpass.agreement (id);

-- Releases, compiled (app/consent/rules.py) ----------------------------------------------------------------------------

CREATE TABLE hallpass.release (
    shard      uuid NOT NULL,                -- the student
    consent    uuid NOT NULL,
    version    integer NOT NULL,
    custodian  uuid NOT NULL,                -- the discloser: a release opens its writer's data only
    signed     timestamptz NOT NULL,
    signer     uuid,                         -- the RelatedPerson; NULL: the student signed
    age        integer NOT NULL,             -- the age from which the student's own signature counts here
    part2      boolean NOT NULL,             -- under 42 CFR Part 2
    opens      timestamptz NOT NULL,
    closes     timestamptz NOT NULL,
    recipients uuid[] NOT NULL,              -- every organization that any provision names
    PRIMARY KEY (shard, consent)
);

CREATE TABLE hallpass.provision (
    shard           uuid NOT NULL,
    consent         uuid NOT NULL,
    node            integer NOT NULL,        -- in document order from the root, 0
    parent          integer NOT NULL,        -- the root's is -1
    permit          boolean NOT NULL,
    opens           timestamptz NOT NULL,
    closes          timestamptz NOT NULL,
    recipients      uuid[],                  -- NULL in any column below: the provision does not constrain it
    purposes        text[],
    classes         text[],
    codes           text[],
    confidentiality smallint,                -- named: the highest for a permit, the lowest for a deny
    labels          text[],                  -- named sensitivity and policy labels; NULL: no securityLabel at all
    instances       uuid[],                  -- provision.data, by meaning; all NULL: no data element
    related         uuid[],
    dependents      uuid[],
    authored        uuid[],
    about           tstzrange,               -- dataPeriod
    PRIMARY KEY (shard, consent, node),
    FOREIGN KEY (shard, consent) REFERENCES hallpass.release ON DELETE CASCADE
);

CREATE TABLE hallpass.emergency (
    shard        uuid NOT NULL,
    id           uuid NOT NULL,
    organization uuid NOT NULL,              -- that broke the glass
    client       text NOT NULL,
    reason       text NOT NULL,
    opens        timestamptz NOT NULL,
    closes       timestamptz NOT NULL,
    PRIMARY KEY (shard, id)
);

-- The ledger -----------------------------------------------------------------------------------------------------------

CREATE TABLE hallpass.disclosure (
    shard           uuid NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    entry           bigint GENERATED ALWAYS AS IDENTITY,
    request         uuid NOT NULL,
    interaction     text NOT NULL,
    type            text NOT NULL,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    student         uuid,
    custodian       uuid NOT NULL,
    recipient       uuid NOT NULL,
    client          text NOT NULL,
    purposes        text[] NOT NULL,
    basis           text NOT NULL CHECK (basis IN ('release', 'party', 'directory', 'emergency')),
    consent         uuid,
    consent_version integer,
    reason          text,
    PRIMARY KEY (shard, at, entry),
    CHECK ((basis = 'release') = (consent IS NOT NULL AND consent_version IS NOT NULL))
);
CREATE INDEX disclosure_recipient ON hallpass.disclosure (custodian, recipient, at);
CREATE INDEX disclosure_consent ON hallpass.disclosure (consent, at) WHERE consent IS NOT NULL;

-- Clients and tokens ---------------------------------------------------------------------------------------------------

CREATE TABLE hallpass.client (
    id           text PRIMARY KEY,
    organization uuid NOT NULL REFERENCES hallpass.organization,
    name         text NOT NULL,
    scopes       text[] NOT NULL,
    purposes     text[] NOT NULL,
    jwks         jsonb,
    jwks_uri     text,
    emergency    boolean NOT NULL DEFAULT false,
    created      timestamptz NOT NULL DEFAULT now(),
    disabled     timestamptz,
    CHECK ((jwks IS NULL) <> (jwks_uri IS NULL))
);
CREATE TABLE hallpass.assertion (
    client  text NOT NULL,
    jti     text NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (client, jti)
);
CREATE INDEX assertion_expires ON hallpass.assertion (expires);
CREATE TABLE hallpass.signing_key (
    kid     text PRIMARY KEY,
    pem     text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    retires timestamptz,
    expires timestamptz
);
CREATE TABLE hallpass.revoked_token (
    jti     text PRIMARY KEY,
    expires timestamptz NOT NULL
);
CREATE TABLE hallpass.secret (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
COMMENT ON TABLE hallpass.secret IS 'Keys that every process shares: the one that seals page cursors.';
INSERT INTO hallpass.secret VALUES ('cursor', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE FUNCTION hallpass.enter(
    p_client text, p_token text, p_organization uuid, p_purposes text[], p_emergency boolean, p_agreement boolean
) RETURNS TABLE (standing boolean, at timestamptz, above uuid[], below uuid[], zone text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[];
    v_below uuid[];
    v_zone  text;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM client c
                   WHERE c.id = p_client AND c.organization = p_organization AND c.disabled IS NULL
                     AND (NOT p_emergency OR c.emergency))
       OR EXISTS (SELECT 1 FROM revoked_token t WHERE t.jti = p_token) THEN
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
            set_config('hallpass.emergency', p_emergency::text, true);
    RETURN QUERY SELECT true, moment(), v_above, v_below, v_zone;
END $$;
COMMENT ON FUNCTION hallpass.enter IS
    'Sets the caller for this transaction, if its client and token still stand; purposes come widened by hierarchy.';

-- The rule (the reference is app/consent/decide.py; a property test holds the two equal) ---------------------------------

CREATE FUNCTION hallpass.covers(
    p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[],
    r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
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
            OR (p.related IS NOT NULL AND EXISTS (
                SELECT 1 FROM hallpass.resource f
                WHERE f.shard = p.shard AND f.id = ANY (p.related) AND f.current AND NOT f.deleted
                  AND f.custodian = focal_custodian AND r_id = ANY (f.refs))))
$$;
COMMENT ON FUNCTION hallpass.covers IS
    'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts.';

CREATE FUNCTION hallpass.birthday(born date, age integer, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- Of a midnight that the clock shows twice PostgreSQL takes the second; an hour after 23:00 is the first.
    SELECT least(day AT TIME ZONE zone, (day - interval '1 hour') AT TIME ZONE zone + interval '1 hour')
    FROM (SELECT (born + make_interval(years => age))::timestamp AS day) d
$$;
COMMENT ON FUNCTION hallpass.birthday IS
    'The first moment of the day on which one born on that day reaches an age.';

CREATE FUNCTION hallpass.in_force(e hallpass.release, recipient_above uuid[]) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT e.opens <= hallpass.moment() AND hallpass.moment() < e.closes
       AND EXISTS (
           SELECT 1 FROM hallpass.student s JOIN hallpass.organization o ON o.id = e.custodian
           WHERE s.shard = e.shard
             AND CASE WHEN e.signer IS NULL THEN
                 hallpass.birthday(s.born_to, e.age, o.zone) <= e.signed
             ELSE
                 e.signed < hallpass.birthday(s.born_from, 18, o.zone)
                 AND (o.honour OR hallpass.moment() < hallpass.birthday(s.born_from, 18, o.zone))
                 AND EXISTS (SELECT 1 FROM hallpass.authority a
                             WHERE a.shard = e.shard AND a.id = e.signer
                               AND a.opens <= e.signed AND hallpass.moment() < a.closes)
             END
             AND (NOT hallpass.agreement_required() OR EXISTS (
                 SELECT 1 FROM hallpass.agreement g
                 WHERE g.discloser = ANY (o.above) AND g.recipient = ANY (recipient_above)
                   AND g.custodian = ANY (o.above)
                   AND g.opens <= hallpass.moment() AND hallpass.moment() < g.closes)))
$$;
COMMENT ON FUNCTION hallpass.in_force IS
    'Whether a release has effect now: in its time, its signer with authority, under an agreement.';

CREATE FUNCTION hallpass.opened(
    r_shard uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[],
    r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
) RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above    uuid[] := above();
    v_purposes text[] := purposes();
    v_now      timestamptz := moment();
    v_release  release;
    v_node     provision;
    v_excepted integer[];
    v_permit   uuid;
BEGIN
    IF caller() IS NULL THEN
        RETURN NULL;
    END IF;
    FOR v_release IN
        SELECT e.* FROM release e
        WHERE e.shard = r_shard AND e.custodian = r_custodian
          AND EXISTS (SELECT 1 FROM provision p WHERE p.shard = e.shard AND p.consent = e.consent AND p.node = 0
                      AND (p.recipients IS NULL OR p.recipients && v_above))
          AND in_force(e, v_above)
        ORDER BY e.consent
    LOOP
        v_excepted := '{}';
        -- From the last node to the root, so that each exception has spoken before its parent does.
        FOR v_node IN
            SELECT p.* FROM provision p
            WHERE p.shard = r_shard AND p.consent = v_release.consent
              AND p.opens <= v_now AND v_now < p.closes
              AND (p.recipients IS NULL OR p.recipients && v_above)
              AND (p.purposes IS NULL OR p.purposes && v_purposes)
              AND covers(p, v_release.part2, v_release.custodian, r_type, r_id, r_profiles, r_codes,
                         r_confidentiality, r_labels, r_refs, r_authors, r_clinical)
            ORDER BY p.node DESC
        LOOP
            IF v_node.node = 0 THEN
                IF v_node.permit = (0 = ANY (v_excepted)) THEN
                    RETURN NULL;  -- a deny that applies beats any permit
                END IF;
                v_permit := coalesce(v_permit, v_release.consent);
            ELSIF NOT v_node.node = ANY (v_excepted) THEN
                v_excepted := v_excepted || v_node.parent;
            END IF;
        END LOOP;
    END LOOP;
    RETURN v_permit;
END $$;
COMMENT ON FUNCTION hallpass.opened IS
    'The Consent that opens a resource with these facts to the caller now; NULL: none does, or a deny applies.';

CREATE FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT r_type <> 'Consent' AND NOT r_labels && '{PSYTHPN,42CFRPart2}' $$;
COMMENT ON FUNCTION hallpass.in_emergency IS 'Whether a record is one that a broken glass opens.';

CREATE FUNCTION hallpass.glass_broken(r_shard uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM emergency e WHERE e.shard = r_shard AND e.organization = caller()
                   AND e.opens <= moment() AND moment() < e.closes)
$$;

CREATE FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval)
    RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_shards uuid[];
BEGIN
    IF NOT emergency() OR caller() IS NULL THEN
        RAISE EXCEPTION 'not an emergency';
    END IF;
    SELECT array_agg(DISTINCT t.shard) INTO v_shards FROM term_token t
        WHERE t.type = 'Patient' AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value;
    IF cardinality(v_shards) IS DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    PERFORM hold(v_shards, true);
    INSERT INTO emergency VALUES (v_shards[1], gen_random_uuid(), caller(), p_client, p_reason, moment(), moment() + p_for);
    PERFORM index_student(v_shards[1], ARRAY[caller()]);
    RETURN v_shards[1];
END $$;
COMMENT ON FUNCTION hallpass.break_glass IS
    'Opens the one student with this identifier to the caller for a while; NULL where there is not exactly one.';

-- The access index -----------------------------------------------------------------------------------------------------

CREATE FUNCTION hallpass.candidates(p_shard uuid, p_ids uuid[], p_orgs uuid[])
    RETURNS TABLE (shard uuid, org uuid, id uuid, type text, updated timestamptz, opens timestamptz, closes timestamptz)
    LANGUAGE sql STABLE AS $$
    WITH r AS MATERIALIZED (
        SELECT * FROM hallpass.resource r
        WHERE r.shard = p_shard AND r.current AND NOT r.deleted AND NOT r.directory
          AND (p_ids IS NULL OR r.id = ANY (p_ids))
    ), reach AS (
        SELECT e.consent, m.id AS org FROM hallpass.release e JOIN hallpass.organization m ON m.above && e.recipients
        WHERE e.shard = p_shard AND (p_orgs IS NULL OR m.id = ANY (p_orgs))
    ), opening AS (
        SELECT r.id, unnest(o.above) AS org, '-infinity'::timestamptz AS opens, 'infinity'::timestamptz AS closes
        FROM r JOIN hallpass.organization o ON o.id = r.custodian
        UNION ALL
        SELECT r.id, m.id, '-infinity', 'infinity'
        FROM r JOIN hallpass.organization m ON m.above && r.parties WHERE r.parties <> '{}'
        UNION ALL
        SELECT r.id, reach.org, e.opens, e.closes
        FROM hallpass.release e JOIN reach ON reach.consent = e.consent
        JOIN r ON r.custodian = e.custodian
        WHERE e.shard = p_shard AND EXISTS (
            SELECT 1 FROM hallpass.provision p
            WHERE p.shard = p_shard AND p.consent = e.consent AND p.permit
              AND hallpass.covers(p, e.part2, e.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality,
                                  r.labels, r.refs, r.authors, r.clinical))
        UNION ALL
        SELECT r.id, e.organization, e.opens, e.closes
        FROM hallpass.emergency e CROSS JOIN r
        WHERE e.shard = p_shard AND hallpass.in_emergency(r.type, r.labels)
    )
    SELECT p_shard, o.org, r.id, r.type, r.updated, min(o.opens), max(o.closes)
    FROM opening o JOIN r ON r.id = o.id
    WHERE p_orgs IS NULL OR o.org = ANY (p_orgs)
    GROUP BY o.org, r.id, r.type, r.updated
$$;
COMMENT ON FUNCTION hallpass.candidates IS
    'The rows that the access index should hold for a shard; of some resources or organizations only, where given.';

CREATE FUNCTION hallpass.index_resource(p_shard uuid, p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_ids uuid[] := ARRAY[p_id];
BEGIN
    IF EXISTS (SELECT 1 FROM provision p WHERE p.shard = p_shard AND p_id = ANY (p.related)) THEN
        -- A release opens what this one refers to; so what any version of it has referred to may open or close now.
        SELECT v_ids || array_agg(DISTINCT ref) INTO v_ids
            FROM resource r CROSS JOIN unnest(r.refs) ref WHERE r.shard = p_shard AND r.id = p_id;
    END IF;
    DELETE FROM access a WHERE a.shard = p_shard AND a.id = ANY (v_ids);
    INSERT INTO access SELECT * FROM candidates(p_shard, v_ids, NULL);
END $$;
COMMENT ON FUNCTION hallpass.index_resource IS 'Brings the access index up to date with one resource.';

CREATE FUNCTION hallpass.index_student(p_shard uuid, p_recipients uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_orgs uuid[];
BEGIN
    IF p_recipients IS NOT NULL THEN
        SELECT coalesce(array_agg(m.id), '{}') INTO v_orgs FROM organization m WHERE m.above && p_recipients;
    END IF;
    DELETE FROM access a WHERE a.shard = p_shard AND (v_orgs IS NULL OR a.org = ANY (v_orgs));
    INSERT INTO access SELECT * FROM candidates(p_shard, NULL, v_orgs);
END $$;
COMMENT ON FUNCTION hallpass.index_student IS
    'Brings the access index up to date with a student''s releases, for these recipients or (NULL) for all.';

CREATE FUNCTION hallpass.index_organization(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_shard uuid;
BEGIN
    FOR v_shard IN
        SELECT r.shard FROM resource r
        WHERE r.custodian IN (SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_id]) AND NOT r.directory
        UNION SELECT r.shard FROM resource r JOIN organization o ON o.above @> ARRAY[p_id] AND r.parties && o.above
        WHERE r.current AND NOT r.deleted AND r.parties <> '{}'
        UNION SELECT e.shard FROM release e JOIN organization o ON o.above @> ARRAY[p_id] AND e.recipients && o.above
        UNION SELECT a.shard FROM access a WHERE a.org IN (SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_id])
        ORDER BY 1
    LOOP
        PERFORM index_student(v_shard, NULL);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.index_organization IS
    'Brings the access index up to date after an organization moved: rare, and as long as its records are many.';

CREATE FUNCTION hallpass.index_newcomer(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[];
    v_shard uuid;
BEGIN
    SELECT o.above INTO v_above FROM organization o WHERE o.id = p_id;
    INSERT INTO access SELECT r.shard, p_id, r.id, r.type, r.updated, '-infinity', 'infinity' FROM resource r
        WHERE r.parties && v_above AND r.current AND NOT r.deleted AND r.parties <> '{}';
    FOR v_shard IN SELECT DISTINCT e.shard FROM release e WHERE e.recipients && v_above ORDER BY 1 LOOP
        PERFORM index_student(v_shard, ARRAY[p_id]);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.index_newcomer IS
    'Fills the access index of an organization that is new: it sees what those above it see as party or recipient.';

CREATE FUNCTION hallpass.place_organization(p_id uuid, p_parent uuid, p_zone text, p_honour boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_old   uuid[];
    v_above uuid[];
BEGIN
    SELECT o.above INTO v_old FROM organization o WHERE o.id = p_id;
    SELECT ARRAY[p_id] || coalesce((SELECT o.above FROM organization o WHERE o.id = p_parent), '{}') INTO v_above;
    IF p_id = ANY (v_above[2:]) THEN
        RETURN 'cycle';
    END IF;
    IF v_old <> v_above OR (v_old IS NULL AND p_parent IS NOT NULL) THEN
        -- A write that indexes meanwhile is waited for, and waits. It may be this one: its own lock does not hold it up.
        PERFORM pg_advisory_xact_lock(0);
    END IF;
    IF v_old <> v_above AND caller() IS NOT NULL AND EXISTS (
        SELECT 1 FROM client c JOIN organization o ON o.id = c.organization WHERE o.above @> ARRAY[p_id]) THEN
        RETURN 'member';
    END IF;
    INSERT INTO organization VALUES (p_id, v_above, p_zone, p_honour)
        ON CONFLICT (id) DO UPDATE SET above = v_above, zone = p_zone, honour = p_honour;
    IF v_old <> v_above THEN
        UPDATE organization o SET above = o.above[:array_position(o.above, p_id) - 1] || v_above
        WHERE o.above @> ARRAY[p_id] AND o.id <> p_id;
        PERFORM index_organization(p_id);
    ELSIF v_old IS NULL AND p_parent IS NOT NULL THEN
        PERFORM index_newcomer(p_id);
    END IF;
    RETURN 'placed';
END $$;
COMMENT ON FUNCTION hallpass.place_organization IS
    'Puts an organization in its place in the tree. Answers placed; or, and nothing done, cycle (it would be part of
     itself) or member (it calls for itself, so that its place, and who sees its records, is the operator''s to change).';

CREATE FUNCTION hallpass.remove_organization(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM client c WHERE c.organization = p_id)
       OR EXISTS (SELECT 1 FROM organization o WHERE o.above @> ARRAY[p_id] AND o.id <> p_id)
       OR EXISTS (SELECT 1 FROM resource r WHERE r.custodian = p_id AND r.current AND NOT r.deleted AND r.id <> p_id) THEN
        RETURN false;
    END IF;
    DELETE FROM organization o WHERE o.id = p_id;
    DELETE FROM access a WHERE a.org = p_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION hallpass.remove_organization IS
    'Takes an organization out of the tree; false, and nothing done, while it has clients, parts or records.';

CREATE FUNCTION hallpass.release_version(p_shard uuid, p_consent uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp
    AS $$ SELECT e.version FROM release e WHERE e.shard = p_shard AND e.consent = p_consent $$;

CREATE FUNCTION hallpass.enter_as_operator(p_organization uuid)
    RETURNS TABLE (at timestamptz, above uuid[], below uuid[])
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_above uuid[] := coalesce((SELECT o.above FROM organization o WHERE o.id = p_organization), ARRAY[p_organization]);
    v_below uuid[] := ARRAY(SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_organization]
                            UNION SELECT p_organization);
BEGIN
    PERFORM set_config('hallpass.above', v_above::text, true), set_config('hallpass.below', v_below::text, true);
    RETURN QUERY SELECT moment(), v_above, v_below;
END $$;
REVOKE EXECUTE ON FUNCTION hallpass.enter_as_operator FROM PUBLIC;
COMMENT ON FUNCTION hallpass.enter_as_operator IS
    'The network''s operator at the console, as the owner of the tables, on behalf of an organization.';

-- Locks ----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION hallpass.hold(p_shards uuid[], p_exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_shard uuid;
BEGIN
    IF p_exclusive THEN
        PERFORM pg_advisory_xact_lock_shared(0);  -- the tree of organizations stands still meanwhile
    END IF;
    FOR v_shard IN SELECT DISTINCT s FROM unnest(p_shards) s ORDER BY s LOOP
        IF p_exclusive THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(v_shard::text, 0));
        ELSE
            PERFORM pg_advisory_xact_lock_shared(hashtextextended(v_shard::text, 0));
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.hold IS
    'Takes the shards'' locks in one order: exclusive to write, shared to disclose, so that a disclosure and the
     write that ends its release have an order.';

-- Row-level security: the second wall ----------------------------------------------------------------------------------

ALTER TABLE hallpass.resource ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.resource FOR SELECT USING (
    custodian = ANY ((SELECT hallpass.below())::uuid[])
    OR (directory AND (SELECT hallpass.caller()) IS NOT NULL)
    OR parties && (SELECT hallpass.above())::uuid[]
    OR (student IS NOT NULL AND hallpass.opened(
        shard, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical) IS NOT NULL)
    OR (student IS NOT NULL AND (SELECT hallpass.emergency()) AND hallpass.in_emergency(type, labels)
        AND hallpass.glass_broken(shard)));
CREATE POLICY add ON hallpass.resource FOR INSERT WITH CHECK (
    custodian = ANY ((SELECT hallpass.below())::uuid[])
    OR (type = 'Task' AND parties && (SELECT hallpass.above())::uuid[]));
CREATE POLICY supersede ON hallpass.resource FOR UPDATE USING (
    custodian = ANY ((SELECT hallpass.below())::uuid[])
    OR (type = 'Task' AND parties && (SELECT hallpass.above())::uuid[]));

ALTER TABLE hallpass.access ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hallpass.access FOR SELECT USING (org = (SELECT hallpass.caller()));

ALTER TABLE hallpass.organization ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON hallpass.organization FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);

ALTER TABLE hallpass.student ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.student USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
ALTER TABLE hallpass.authority ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.authority USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
ALTER TABLE hallpass.agreement ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.agreement USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
CREATE POLICY member ON hallpass.agreement FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
ALTER TABLE hallpass.release ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.release USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
ALTER TABLE hallpass.provision ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.provision USING (EXISTS (
    SELECT 1 FROM hallpass.release e WHERE e.shard = provision.shard AND e.consent = provision.consent));

ALTER TABLE hallpass.emergency ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hallpass.emergency FOR SELECT USING (organization = (SELECT hallpass.caller()));
ALTER TABLE hallpass.disclosure ENABLE ROW LEVEL SECURITY;
CREATE POLICY held ON hallpass.disclosure FOR SELECT USING (custodian = ANY ((SELECT hallpass.below())::uuid[]));
CREATE POLICY own ON hallpass.disclosure FOR INSERT WITH CHECK (recipient = (SELECT hallpass.caller()));

-- What the app's role may do. Nothing is deleted but what is computed anew; the ledger is appended to.
GRANT USAGE ON SCHEMA hallpass TO hallpass_app;
GRANT SELECT, INSERT ON hallpass.resource TO hallpass_app;
GRANT UPDATE (current) ON hallpass.resource TO hallpass_app;
GRANT SELECT ON hallpass.access, hallpass.organization, hallpass.secret, hallpass.emergency TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.student, hallpass.authority, hallpass.agreement, hallpass.release,
    hallpass.provision TO hallpass_app;
GRANT SELECT, INSERT ON hallpass.disclosure TO hallpass_app;
GRANT SELECT ON hallpass.client TO hallpass_app;
GRANT SELECT, INSERT, DELETE ON hallpass.assertion, hallpass.revoked_token TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.signing_key TO hallpass_app;
