CREATE OR REPLACE FUNCTION hallpass.record_security_event(p_kind text, p_client text, p_outcome text, p_detail text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), p_kind, c.organization, c.id, p_outcome, p_detail, instant(), instant(), 1
    FROM client c WHERE c.id = p_client
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;
COMMENT ON FUNCTION hallpass.record_security_event IS
    'Notes an event of a registered client for its organization; nothing where there is no such client.';
