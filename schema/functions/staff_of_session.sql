CREATE OR REPLACE FUNCTION hallpass.staff_of_session(p_session bytea, p_idle integer)
    RETURNS TABLE (client text, organization uuid, name text, address text, role text, caseload text[], scopes text[],
                  purposes text[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_now timestamptz := instant();
BEGIN
    UPDATE staff_session s SET seen = v_now WHERE s.digest = p_session AND s.until > v_now
        AND s.seen > v_now - make_interval(secs => p_idle) AND s.seen < v_now - interval '1 minute';
    RETURN QUERY SELECT f.client, f.organization, f.name, f.address, f.role, f.caseload, c.scopes, c.purposes
        FROM staff_session s JOIN staff f ON f.client = s.client JOIN client c ON c.id = f.client
        WHERE s.digest = p_session AND s.until > v_now AND s.seen > v_now - make_interval(secs => p_idle)
          AND c.disabled IS NULL;
END $$;
COMMENT ON FUNCTION hallpass.staff_of_session IS
    'Who is signed in by a session that has not ended, and was used in the last so many seconds; no row: nobody.';
