CREATE OR REPLACE FUNCTION hallpass.lock_writes(p_compartments uuid[], p_custodians uuid[], p_ids uuid[], p_kinds text[])
    RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_lock record;
BEGIN
    FOR v_lock IN
        WITH w AS MATERIALIZED (
            SELECT k.*, EXISTS (
                SELECT 1 FROM release e JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent
                WHERE e.compartment = k.compartment AND e.custodian = k.custodian AND p.related IS NOT NULL) AS related
            FROM unnest(p_compartments, p_custodians, p_ids, p_kinds) AS k(compartment, custodian, id, kind)
        ), taken AS (
            SELECT 1 AS level, record_key(w.id) AS key, true AS exclusive, NULL::uuid AS compartment, NULL::uuid AS custodian
                FROM w WHERE w.kind NOT IN ('create', 'index')
            UNION ALL
            SELECT 2, index_key(w.compartment, w.custodian), w.kind IN ('sign', 'index') OR w.related AND w.kind <> 'party',
                   w.compartment, w.custodian FROM w WHERE w.kind <> 'policy'
            UNION ALL
            SELECT 3, release_key(w.compartment, w.custodian), true, NULL, NULL
                FROM w WHERE w.kind IN ('update', 'policy', 'sign', 'index')
            UNION ALL  -- releases of a part, or of what it is part of, rest on this one's records
            SELECT 3, release_key(w.compartment, o.custodian), true, NULL, NULL
                FROM w CROSS JOIN LATERAL (
                    SELECT e.custodian FROM release e WHERE e.compartment = w.compartment
                    UNION SELECT s.custodian FROM student s WHERE s.compartment = w.compartment
                    UNION SELECT a.custodian FROM authority a WHERE a.compartment = w.compartment) o
                WHERE w.kind IN ('policy', 'sign') AND in_line(o.custodian, w.custodian)
        )
        SELECT t.level, t.key, bool_or(t.exclusive) AS exclusive, min(t.compartment::text)::uuid AS compartment,
               min(t.custodian::text)::uuid AS custodian
        FROM taken t GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        IF v_lock.exclusive THEN
            PERFORM pg_advisory_xact_lock(v_lock.key);
        ELSE
            PERFORM pg_advisory_xact_lock_shared(v_lock.key);
        END IF;
    END LOOP;
    IF EXISTS (
        SELECT 1 FROM unnest(p_compartments, p_custodians, p_kinds) AS k(compartment, custodian, kind)
        JOIN release e ON e.compartment = k.compartment AND e.custodian = k.custodian
        JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent AND p.related IS NOT NULL
        WHERE k.kind IN ('create', 'update')
          AND NOT pg_try_advisory_xact_lock(index_key(k.compartment, k.custodian))) THEN
        RAISE EXCEPTION 'a release that reaches what records refer to came meanwhile' USING ERRCODE = '40001';
    END IF;
    RETURN CASE WHEN 'index' = ALL (p_kinds) THEN instant() ELSE stamp() END;
END $$;
COMMENT ON FUNCTION hallpass.lock_writes IS
    'Takes the locks of writes, in one order: of the records (1), of the index (2), of releases (3). Whoever holds one of
     the last waits for none of the others, so that what ends a release waits for disclosures alone. The kinds are
     create, update (by the custodian: it may end what is seen of the record), party (by another), policy (what releases
     rest on), sign (what opens more) and index. Returns the time after the wait: what is written has no earlier one.';
