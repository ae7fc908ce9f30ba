CREATE OR REPLACE FUNCTION hallpass.claim_subscriptions(p_most integer, p_lease interval)
    RETURNS TABLE (id uuid, client text, organization uuid, purposes text[], scopes text[], held text[])
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
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
COMMENT ON FUNCTION hallpass.claim_subscriptions IS
    'Gives a worker, for as long as the lease, Subscriptions that there may be something to do for: a handshake, what is
     to be sent again, what was written since, a heartbeat; and every half minute, for what time alone makes visible.
     A client acts with no more than it had when it subscribed, and has now.';
