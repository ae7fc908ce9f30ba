CREATE OR REPLACE FUNCTION hallpass.active_releases(p_compartment uuid, p_custodian uuid) RETURNS SETOF hallpass.release
    LANGUAGE sql STABLE AS $$
    SELECT e.* FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.compartment = e.compartment
    WHERE e.compartment = p_compartment AND e.custodian = p_custodian AND e.opens <= hallpass.statement_time() AND hallpass.statement_time() < e.closes
      AND CASE WHEN e.signer IS NULL THEN
          hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed
      ELSE
          e.signed < hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone)
          AND (o.honor OR hallpass.statement_time() < hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone))
          AND CASE WHEN e.authority_opens IS NOT NULL THEN
              e.authority_opens <= e.signed AND hallpass.statement_time() < e.authority_closes
          ELSE
              EXISTS (SELECT 1 FROM hallpass.authority a
                      WHERE a.compartment = e.compartment AND a.id = e.signer AND a.opens <= e.signed AND hallpass.statement_time() < a.closes)
          END
      END
      AND (NOT hallpass.agreement_required() OR e.opens >= hallpass.agreed_since(e.custodian))
$$;
COMMENT ON FUNCTION hallpass.active_releases IS
    'A custodian''s releases that have effect now: in their time, their signer with authority, under an agreement.';
