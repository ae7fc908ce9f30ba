CREATE OR REPLACE FUNCTION hallpass.record_command(p_organization uuid, p_detail text) RETURNS void
    LANGUAGE sql SET search_path = hallpass, pg_temp AS $$
    INSERT INTO event (minute, kind, organization, client, outcome, detail, first, last, times)
    SELECT date_trunc('minute', instant()), 'command', p_organization, 'operator', '0', p_detail, instant(), instant(), 1
    ON CONFLICT (organization, minute, kind, client, outcome, detail)
        DO UPDATE SET last = EXCLUDED.last, times = event.times + 1
$$;
