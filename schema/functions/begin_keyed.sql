CREATE OR REPLACE FUNCTION hallpass.begin_keyed(p_key bytea, OUT busy boolean, OUT request bytea, OUT written jsonb)
    LANGUAGE plpgsql AS $$
DECLARE
    v_client text := current_setting('hallpass.client');
BEGIN
    busy := NOT pg_try_advisory_xact_lock(hashtextextended('key ' || v_client || ' ' || encode(p_key, 'hex'), 0));
    IF NOT busy THEN
        SELECT k.request, k.written INTO request, written FROM hallpass.idempotency_key k
            WHERE k.client = v_client AND k.key = p_key AND k.expires > hallpass.statement_time();
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.begin_keyed IS
    'Begins a request of the caller that has an idempotency key: whether another with that key is under way, or else what
     was asked by it before and which versions that wrote (NULL: nothing). An invoker''s function.';
