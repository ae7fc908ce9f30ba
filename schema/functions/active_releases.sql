CREATE OR REPLACE FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) RETURNS SETOF hallpass.release
    LANGUAGE sql STABLE AS $$
    SELECT e.* FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.compartment = e.compartment
    LEFT JOIN hallpass.authority a ON a.compartment = e.compartment AND a.id = e.signer
    CROSS JOIN LATERAL (
        SELECT hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone) AS majority, hallpass.adult_from(e, s) AS adult,
               e.authority_opens IS NULL AND coalesce(a.adult, false) AS for_an_adult) w
    WHERE e.compartment = p_compartment AND e.custodian = p_custodian AND e.opens <= hallpass.statement_time() AND hallpass.statement_time() < e.closes
      AND coalesce(e.born_from, s.born_from) IS NOT NULL
      AND CASE WHEN e.signer IS NULL THEN
          hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed OR coalesce(w.adult <= e.signed, false)
      ELSE
          (w.for_an_adult
           OR (e.signed < least(w.majority, w.adult) AND coalesce(hallpass.statement_time() < w.adult, true)
               AND (o.honor OR hallpass.statement_time() < w.majority)))
          AND coalesce(e.authority_opens, a.opens) <= greatest(e.signed, e.confirmed)
          AND hallpass.statement_time() < coalesce(e.authority_closes, a.closes)
      END
      AND (NOT hallpass.agreement_required() OR e.opens >= hallpass.agreed_since(e.custodian))
$$;
COMMENT ON FUNCTION hallpass.active_releases IS
    'A custodian''s releases that have effect now: in their time, their signer with authority, under an agreement.';
