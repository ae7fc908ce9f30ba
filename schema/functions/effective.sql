CREATE OR REPLACE FUNCTION hallpass.effective(p_shard uuid, p_custodian uuid, p_above uuid[]) RETURNS SETOF hallpass.release
    LANGUAGE sql STABLE AS $$
    SELECT e.* FROM hallpass.release e JOIN hallpass.organization o ON o.id = e.custodian
    LEFT JOIN hallpass.student s ON s.shard = e.shard
    WHERE e.shard = p_shard AND e.custodian = p_custodian AND e.opens <= hallpass.moment() AND hallpass.moment() < e.closes
      AND CASE WHEN e.signer IS NULL THEN
          hallpass.birthday(coalesce(e.born_to, s.born_to), e.age, o.zone) <= e.signed
      ELSE
          e.signed < hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone)
          AND (o.honour OR hallpass.moment() < hallpass.birthday(coalesce(e.born_from, s.born_from), 18, o.zone))
          AND CASE WHEN e.authority_opens IS NOT NULL THEN
              e.authority_opens <= e.signed AND hallpass.moment() < e.authority_closes
          ELSE
              EXISTS (SELECT 1 FROM hallpass.authority a
                      WHERE a.shard = e.shard AND a.id = e.signer AND a.opens <= e.signed AND hallpass.moment() < a.closes)
          END
      END
      AND (NOT hallpass.agreement_required() OR EXISTS (
          SELECT 1 FROM hallpass.agreement g
          WHERE g.discloser = ANY (o.above) AND g.recipient = ANY (p_above) AND g.custodian = ANY (o.above)
            AND g.opens <= hallpass.moment() AND hallpass.moment() < g.closes))
$$;
COMMENT ON FUNCTION hallpass.effective IS
    'A custodian''s releases that have effect now: in their time, their signer with authority, under an agreement.';
