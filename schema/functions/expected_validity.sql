CREATE OR REPLACE FUNCTION hallpass.expected_validity(p_compartment uuid)
    RETURNS TABLE (org uuid, consent uuid, compartment uuid, version integer, custodian uuid, since timestamptz,
                   until timestamptz, majority timestamptz, purposes text[], root_since timestamptz,
                   root_until timestamptz, types text[])
    LANGUAGE sql STABLE AS $$
    SELECT x.org, e.consent, e.compartment, e.version, e.custodian, e.opens,
           CASE WHEN e.signer IS NULL THEN
               CASE WHEN hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed
                         OR hallpass.adult_from(e, s) <= e.signed
                    THEN e.closes ELSE '-infinity' END
           ELSE
               CASE WHEN coalesce(e.authority_opens, a.opens) <= greatest(e.signed, e.confirmed) AND coalesce(e.born_from, s.born_from) IS NOT NULL
                         AND (w.adult OR e.signed < least(
                             hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone), hallpass.adult_from(e, s)))
                    THEN least(e.closes, coalesce(e.authority_closes, a.closes),
                               CASE WHEN NOT w.adult THEN hallpass.adult_from(e, s) END)
                    ELSE '-infinity' END
           END,
           CASE WHEN e.signer IS NOT NULL AND NOT w.adult
                THEN hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone) END,
           t.purposes, t.opens, t.closes,
           CASE WHEN t.permit AND NOT array_to_string(t.classes, ' ') LIKE '%:%' THEN t.classes END
    FROM hallpass.release e
    JOIN hallpass.provision t ON t.compartment = e.compartment AND t.consent = e.consent AND t.node = 0
    JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.compartment = e.compartment
    LEFT JOIN hallpass.authority a ON a.compartment = e.compartment AND a.id = e.signer
    CROSS JOIN LATERAL (SELECT e.authority_opens IS NULL AND coalesce(a.adult, false) AS adult) w
    CROSS JOIN LATERAL unnest(CASE WHEN t.recipients IS NOT NULL THEN t.recipients WHEN e.recipients <> '{}' THEN e.recipients
                                   ELSE '{00000000-0000-0000-0000-000000000000}' END) x(org)
    WHERE e.compartment = p_compartment
$$;
COMMENT ON FUNCTION hallpass.expected_validity IS 'The rows that hallpass.validity should hold for a student.';
