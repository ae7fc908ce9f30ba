CREATE OR REPLACE FUNCTION hallpass.read(
    p_callers jsonb, p_agreement boolean, p_caller integer[], p_requests uuid[], p_interactions text[], p_types text[],
    p_ids uuid[], p_versions integer[]
) RETURNS TABLE (
    ask bigint, state text, own boolean, compartment uuid, id uuid, version integer, type text, custodian uuid, student uuid,
    directory boolean, current boolean, deleted boolean, updated timestamptz, method text, body bytea, label_at integer,
    digest bytea
) LANGUAGE plpgsql SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_held   boolean[] := try_lock_named(p_types, p_ids);
    v_caller jsonb;
    v_number integer;
    v_descendants  uuid[];
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
        v_descendants := set_caller_from_json(v_caller, p_agreement);
        IF v_descendants IS NULL THEN
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
            SELECT (v_number, v_asks[r.ordinality], r.compartment, r.id, r.version, r.student)::leaving
            FROM unnest(v_rows) WITH ORDINALITY AS r WHERE NOT r.deleted AND NOT r.custodian = ANY (v_descendants));
        RETURN QUERY SELECT v_asks[r.ordinality], 'seen', r.custodian = ANY (v_descendants), r.compartment, r.id, r.version, r.type,
            r.custodian, r.student, r.directory, r.current, r.deleted, r.updated, r.method, r.body, r.label_at, r.digest
            FROM unnest(v_rows) WITH ORDINALITY AS r;
    END LOOP;
    FOR v_part IN
        SELECT g.caller, array_agg(p_requests[g.ask]) AS requests, array_agg(p_interactions[g.ask]) AS interactions,
               array_agg(g.compartment) AS compartments, array_agg(g.id) AS ids, array_agg(g.version) AS versions
        FROM unnest(v_go) g GROUP BY g.caller
    LOOP
        v_caller := p_callers -> (v_part.caller - 1);
        IF v_part.caller <> v_number THEN
            PERFORM set_caller_from_json(v_caller, p_agreement);
            v_number := v_part.caller;
        END IF;
        IF disclose(nullif(v_caller->'agent', 'null'), ARRAY(SELECT jsonb_array_elements_text(v_caller->'purposes')),
                    v_part.requests, v_part.interactions, v_part.compartments, v_part.ids, v_part.versions, '{}')
           <> cardinality(v_part.requests) THEN
            RAISE EXCEPTION 'what was seen is no longer visible' USING ERRCODE = '40001';
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.read IS
    'The reads of several callers, judged, entered on the ledger and answered in one statement, so that they share one
     commit. An ask without a row: nothing is there that its caller sees. State held: a write is going on, ask alone.
     State out: the caller does not stand.';
