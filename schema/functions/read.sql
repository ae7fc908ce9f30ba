CREATE OR REPLACE FUNCTION hallpass.read(
    p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[],
    p_ids uuid[], p_versions integer[]
) RETURNS TABLE (
    ask bigint, state text, own boolean, compartment uuid, id uuid, version integer, type text, custodian uuid, student uuid,
    directory boolean, current boolean, deleted boolean, updated timestamptz, method text, body bytea, label_at integer,
    digest bytea, ground uuid, ground_version integer, scope text,
    redisclosable boolean
) LANGUAGE plpgsql SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
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
COMMENT ON FUNCTION hallpass.read IS
    'The reads of several callers, judged, entered on the ledger and answered in one statement, so that they share one
     commit. An ask without a row: nothing is there that its caller sees. State held: a write is going on that may end
     it, ask alone. State out: the caller does not stand.';
