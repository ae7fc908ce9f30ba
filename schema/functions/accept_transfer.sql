CREATE OR REPLACE FUNCTION hallpass.accept_transfer(p_id uuid, p_agent jsonb, p_purposes text[], p_request uuid)
    RETURNS TABLE (type text, id uuid, body bytea) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = hallpass, pg_temp AS $$
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
COMMENT ON FUNCTION hallpass.accept_transfer IS
    'Takes up the transfer of a student to the caller: gives the education records, each entered on the ledger in this
     transaction (34 CFR 99.31(a)(2)). No rows: there is none that the caller may accept.';
