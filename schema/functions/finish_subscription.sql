CREATE OR REPLACE FUNCTION hallpass.finish_subscription(p_id uuid, p_sent bigint, p_error text, p_wait interval)
    RETURNS interval LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    UPDATE subscription s SET
        lease = NULL, next_try = clock_timestamp() + p_wait, error = p_error,
        sent = greatest(s.sent, coalesce(p_sent, s.sent)),
        last_sent = CASE WHEN p_sent IS NULL THEN s.last_sent ELSE clock_timestamp() END,
        failures = CASE WHEN p_error IS NULL THEN 0 ELSE s.failures + 1 END,
        failing_since = CASE WHEN p_error IS NULL THEN NULL ELSE coalesce(s.failing_since, clock_timestamp()) END
    WHERE s.id = p_id RETURNING clock_timestamp() - s.failing_since
$$;
COMMENT ON FUNCTION hallpass.finish_subscription IS
    'A worker is done with a Subscription for now: up to which number the endpoint took events (NULL: nothing was sent),
     or what went wrong, and when to look again. Returns for how long it has been failing.';
