CREATE OR REPLACE FUNCTION hallpass.keep_keyed(p_key bytea, p_request bytea, p_written jsonb, p_hours integer) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO hallpass.idempotency_key AS k (client, key, request, written, expires)
    VALUES (current_setting('hallpass.client'), p_key, p_request, p_written,
            hallpass.statement_time() + make_interval(hours => p_hours))
    ON CONFLICT (client, key) DO UPDATE
        SET request = EXCLUDED.request, written = EXCLUDED.written, expires = EXCLUDED.expires
        WHERE k.expires <= hallpass.statement_time()
$$;
COMMENT ON FUNCTION hallpass.keep_keyed IS
    'Keeps what the caller''s request under an idempotency key wrote, in the transaction that wrote it.';
