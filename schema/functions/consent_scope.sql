CREATE OR REPLACE FUNCTION hallpass.consent_scope(p_compartment uuid, p_consent uuid) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT concat_ws('; ', 'for ' || nullif(array_to_string(t.purposes, ', '), ''), 'of ' || nullif(array_to_string(t.classes, ', '), ''),
                     'labeled ' || nullif(array_to_string(t.labels, ', '), ''),
                     'until ' || CASE WHEN e.closes < '9999-01-01' THEN to_char(e.closes AT TIME ZONE o.zone, 'YYYY-MM-DD HH24:MI') END)
    FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
    WHERE e.compartment = p_compartment AND e.consent = p_consent
$$;
COMMENT ON FUNCTION hallpass.consent_scope IS
    'What a release opens, in a line, as its root says: it goes with records under 42 CFR Part 2 (2.32).';
