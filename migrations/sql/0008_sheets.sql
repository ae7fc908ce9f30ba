-- The ledger in sheets: what one call enters is a sheet, and the sheets are chained, in lanes that nobody waits for.

-- The chains so far are checked before they are let go of: what was tampered with is not to be sealed anew.

DO $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (
            SELECT d.*, lag(d.n, 1, coalesce(b.n, 0)) OVER w AS before, lag(d.link, 1, b.link) OVER w AS head
            FROM hallpass.disclosure d LEFT JOIN hallpass.chain_start b ON b.shard = d.shard
            WHERE d.n IS NOT NULL WINDOW w AS (PARTITION BY d.shard ORDER BY d.n)) s
        WHERE s.n - 1 <> s.before OR s.link <> hallpass.next_link(s.head, NULL, hallpass.entry_hash(
            s.shard, s.at, s.request, s.id, s.version, s.type, s.interaction, s.student, s.custodian, s.recipient,
            s.client, s.agent, s.purposes, s.basis, s.consent, s.consent_version, s.reason)))
       OR EXISTS (
        SELECT 1 FROM hallpass.chain c
        FULL JOIN (SELECT shard, max(n) AS n FROM hallpass.disclosure WHERE n IS NOT NULL GROUP BY shard) e USING (shard)
        LEFT JOIN hallpass.chain_start b USING (shard)
        WHERE c.n IS DISTINCT FROM coalesce(e.n, b.n))
    THEN
        RAISE EXCEPTION 'The ledger is not whole. Run hallpass verify of the version before, and settle what it finds.';
    END IF;
END $$;

-- Sheets and lanes ---------------------------------------------------------------------------------------------------------

CREATE TABLE hallpass.sheet (
    lane    smallint NOT NULL,
    n       bigint NOT NULL,                 -- its place in the lane, from 1
    at      timestamptz NOT NULL,            -- as its entries have it
    entries integer NOT NULL CHECK (entries > 0),
    link    bytea NOT NULL,                  -- of the hash of the link before and these entries
    PRIMARY KEY (lane, n)
);
CREATE INDEX sheet_at ON hallpass.sheet USING brin (at);
COMMENT ON TABLE hallpass.sheet IS
    'What was entered on the ledger by one call. It tells of nobody, and stays when its entries are past retention.';

ALTER TABLE hallpass.disclosure ADD COLUMN lane smallint, ADD COLUMN sheet bigint;
CREATE INDEX disclosure_at ON hallpass.disclosure USING brin (at);
DROP INDEX hallpass.disclosure_consent;  -- what a Consent opened is found among its student's entries

CREATE FUNCTION hallpass.entry_bytes(
    shard uuid, at timestamptz, request uuid, id uuid, version integer, type text, interaction text, student uuid,
    custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid,
    consent_version integer, reason text
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT record_send(ROW(shard, at, request, id, version, type, interaction, student, custodian, recipient, client,
                           agent, purposes, basis, consent, consent_version, reason))
$$;
COMMENT ON FUNCTION hallpass.entry_bytes IS 'All that an entry says, each value with its type and length.';

-- What there was before goes on sheets of the first lane, one for each moment, oldest first.

WITH made AS (
    SELECT d.at, row_number() OVER (ORDER BY d.at) AS n, count(*) AS entries, string_agg(hallpass.entry_bytes(
               d.shard, d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian, d.recipient,
               d.client, d.agent, d.purposes, d.basis, d.consent, d.consent_version, d.reason), ''
               ORDER BY d.shard, d.request, d.id, d.version) AS own
    FROM hallpass.disclosure d GROUP BY d.at
)
INSERT INTO hallpass.sheet
    SELECT 0, m.n, m.at, m.entries, hallpass.linked(NULL, m.own) OVER (ORDER BY m.n ROWS UNBOUNDED PRECEDING) FROM made m;
UPDATE hallpass.disclosure d SET lane = 0, sheet = s.n FROM hallpass.sheet s WHERE s.at = d.at;
ALTER TABLE hallpass.disclosure DROP COLUMN n, DROP COLUMN link, ALTER COLUMN lane SET NOT NULL,
    ALTER COLUMN sheet SET NOT NULL;

DROP TABLE hallpass.chain_start;
DROP TABLE hallpass.chain;
DROP AGGREGATE hallpass.linked(bytea, bytea);
DROP FUNCTION hallpass.next_link;
DROP FUNCTION hallpass.entry_hash;

CREATE TABLE hallpass.chain (
    lane smallint PRIMARY KEY,
    n    bigint NOT NULL,                    -- of the last sheet
    link bytea NOT NULL
) WITH (fillfactor = 20);                    -- a new end beside the one before, and no index to touch
COMMENT ON TABLE hallpass.chain IS 'Where each lane''s chain of sheets ends, so that one taken off the end is missed.';
INSERT INTO hallpass.chain SELECT DISTINCT ON (lane) lane, n, link FROM hallpass.sheet ORDER BY lane, n DESC;

CREATE FUNCTION hallpass.next_link(before bytea, entries bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT sha256(coalesce(before, ''::bytea) || coalesce(entries, ''::bytea)) $$;
COMMENT ON FUNCTION hallpass.next_link IS 'The link of a sheet with these entries, behind the one before.';

CREATE FUNCTION hallpass.hold_lane() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    c_lanes CONSTANT integer := 1024;        -- many, and any of them: ends that are written seldom stay small
    v_lane  integer := floor(random() * c_lanes);
BEGIN
    FOR v_try IN 1..c_lanes LOOP
        IF pg_try_advisory_xact_lock(1, v_lane) THEN
            RETURN v_lane;
        END IF;
        v_lane := (v_lane + 1) % c_lanes;
    END LOOP;
    RAISE EXCEPTION 'all lanes of the ledger are taken' USING ERRCODE = '55P03';
END $$;
COMMENT ON FUNCTION hallpass.hold_lane IS
    'A lane of the ledger in which nobody else enters until the end of this transaction. It waits for nobody.';

DROP FUNCTION hallpass.drop_ledger;
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
        EXECUTE format('DROP TABLE %I', v_part);
        RETURN QUERY SELECT d.partition, d.since, d.until, d.entries, d.students FROM ledger_drop d
            WHERE d.partition = v_part;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.drop_ledger IS
    'Drops the partitions of the ledger that end before a moment, and records each.';
REVOKE EXECUTE ON FUNCTION hallpass.drop_ledger FROM PUBLIC;

-- Entering -----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hallpass.disclose(
    p_agent jsonb, p_purposes text[], p_requests uuid[], p_interactions text[], p_shards uuid[], p_ids uuid[],
    p_versions integer[], p_hold uuid[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_shard     uuid;
    v_caller    uuid := caller();            -- read once: the settings are text, to be parsed at each mention
    v_above     uuid[] := above();
    v_widened   text[] := purposes();
    v_client    text := current_setting('hallpass.client', true);
    v_emergency boolean := emergency();
    v_agreed    uuid[];
    v_lane      smallint;
    v_before    chain;
    v_at        timestamptz;
    v_count     integer;
    v_link      bytea;
    c_tries     CONSTANT integer := 100;
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
    IF v_caller IS NULL OR NOT stands(v_client, current_setting('hallpass.token'), v_caller, v_emergency) THEN
        RETURN -1;
    END IF;
    v_agreed := CASE WHEN agreement_required() THEN agreed() END;
    v_lane := hold_lane();
    SELECT * INTO v_before FROM chain c WHERE c.lane = v_lane;
    v_at := instant();
    FOR v_try IN 1..c_tries LOOP
    BEGIN
    WITH judged AS MATERIALIZED (
        SELECT r.shard, v_at AS at, coalesce(k.request, p_requests[1]) AS request, r.id, r.version, r.type,
               coalesce(k.interaction, p_interactions[1]) AS interaction, r.student, r.custodian,
               v_caller AS recipient, v_client AS client, p_agent AS agent, p_purposes AS purposes,
               CASE WHEN o.party THEN 'party' WHEN r.directory THEN 'directory' WHEN o.consent IS NOT NULL THEN 'release'
                    WHEN v_emergency AND r.student IS NOT NULL AND in_emergency(r.type, r.labels)
                         AND glass_broken(r.shard) THEN 'emergency' END AS basis,
               o.consent, o.consent_version
        FROM unnest(p_requests, p_interactions, p_shards, p_ids, p_versions) AS k(request, interaction, shard, id, version)
        JOIN resource r ON r.shard = k.shard AND r.id = k.id AND r.version = k.version
        LEFT JOIN access a ON r.current AND a.shard = r.shard AND a.org = v_caller AND a.id = r.id
            AND a.since <= moment() AND moment() < a.until AND (a.purposes IS NULL OR a.purposes && v_widened)
            AND (v_agreed IS NULL OR r.custodian = ANY (v_agreed))
        CROSS JOIN LATERAL (
            SELECT p.party, CASE WHEN p.asked THEN coalesce(a.consent, opened(
                r.shard, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
                r.clinical)) END AS consent
            FROM (SELECT p.party, NOT p.party AND NOT r.directory AND r.student IS NOT NULL AS asked
                  FROM (SELECT r.parties && v_above AS party OFFSET 0) p) p OFFSET 0) c  -- else each mention judges
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
    ), entered AS (
        INSERT INTO disclosure (shard, at, request, id, version, type, interaction, student, custodian, recipient, client,
                                agent, purposes, basis, consent, consent_version, reason, lane, sheet)
        SELECT r.shard, r.at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, r.recipient,
               r.client, r.agent, r.purposes, r.basis, r.consent, r.consent_version, r.reason, v_lane,
               coalesce(v_before.n, 0) + 1
        FROM reasoned r
    )
    SELECT count(*), next_link(v_before.link, string_agg(entry_bytes(
               r.shard, r.at, r.request, r.id, r.version, r.type, r.interaction, r.student, r.custodian, r.recipient,
               r.client, r.agent, r.purposes, r.basis, r.consent, r.consent_version, r.reason), ''
               ORDER BY r.shard, r.request, r.id, r.version))
        INTO v_count, v_link FROM reasoned r;
    IF v_count > 0 THEN
        INSERT INTO sheet VALUES (v_lane, coalesce(v_before.n, 0) + 1, v_at, v_count, v_link);
        INSERT INTO chain VALUES (v_lane, coalesce(v_before.n, 0) + 1, v_link)
            ON CONFLICT (lane) DO UPDATE SET n = EXCLUDED.n, link = EXCLUDED.link;
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
     One request and interaction may stand for all. Takes the locks of the shards in `p_hold`, given in order; those of
     others the caller of this function holds. Answers how many entries; -1 when the caller no longer stands; -2, and
     nothing entered, when a write goes on in a shard of `p_hold`: then wait for it first.';

-- Reads of several callers, as before, but that there is no chain of a student's to wait for.

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

DROP FUNCTION hallpass.hold_chains;
