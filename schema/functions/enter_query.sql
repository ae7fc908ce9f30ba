CREATE OR REPLACE FUNCTION hallpass.enter_query(
    p_agent jsonb, p_purposes text[], p_request uuid, p_interaction text, p_type text, p_types text[], p_party_types text[],
    p_students uuid[], p_parameters text[], p_text text
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
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
COMMENT ON FUNCTION hallpass.enter_query IS
    'Enters a query once for each custodian whose records its criteria read (hallpass.queried), whatever it finds: what it
     asks by and of how many students. What it asks for is in the security log, for the organization that asked. Returns
     how many entries.';
