CREATE OR REPLACE FUNCTION hallpass.queried(p_types text[], p_party_types text[], p_students uuid[])
    RETURNS TABLE (custodian uuid, students integer)
    LANGUAGE plpgsql STABLE SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_students IS NULL THEN
        RETURN QUERY
        WITH readable AS MATERIALIZED (
            SELECT k.custodian, k.compartment FROM unnest(ancestors()) o(org) CROSS JOIN LATERAL (
                SELECT k.custodian, k.compartment FROM active_release k
                WHERE k.org = o.org AND (k.types IS NULL OR k.types && p_types) OFFSET 0) k
            UNION ALL
            SELECT a.custodian, a.compartment FROM unnest(ancestors()) o(org) CROSS JOIN unnest(p_party_types) t(type)
            CROSS JOIN LATERAL (
                SELECT a.custodian, a.compartment FROM access a
                WHERE a.org = o.org AND a.type = t.type AND a.consent IS NULL OFFSET 0) a
            UNION ALL
            SELECT r.custodian, r.compartment FROM emergency m CROSS JOIN LATERAL (
                SELECT r.custodian, r.compartment FROM resource r WHERE r.compartment = m.compartment AND r.current
                  AND r.student IS NOT NULL AND r.type = ANY (p_types) AND in_emergency(r.type, r.labels) OFFSET 0) r
            WHERE emergency() AND m.organization = caller() AND m.opens <= statement_time() AND statement_time() < m.closes
        ), counted AS MATERIALIZED (  -- first: asked of each row, whose it is would cost more than all the rest
            SELECT r.custodian, count(*)::integer AS students
            FROM (SELECT DISTINCT x.custodian, x.compartment FROM readable x) r GROUP BY r.custodian
        )
        SELECT c.custodian, c.students FROM counted c WHERE NOT holds(c.custodian);
    ELSE
        RETURN QUERY
        WITH readable AS MATERIALIZED (
            SELECT k.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT k.custodian FROM active_release k
                WHERE k.compartment = s.student AND k.org = ANY (ancestors()) AND (k.types IS NULL OR k.types && p_types) OFFSET 0) k
            UNION ALL
            SELECT a.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT a.custodian FROM access a
                WHERE a.compartment = s.student AND a.org = ANY (ancestors()) AND a.type = ANY (p_party_types)
                  AND a.consent IS NULL OFFSET 0) a
            UNION ALL
            SELECT r.custodian, s.student FROM unnest(p_students) s(student) CROSS JOIN LATERAL (
                SELECT r.custodian FROM resource r WHERE emergency() AND glass_broken(s.student) AND r.compartment = s.student
                  AND r.current AND r.student IS NOT NULL AND r.type = ANY (p_types) AND in_emergency(r.type, r.labels) OFFSET 0) r
        ), counted AS MATERIALIZED (
            SELECT r.custodian, count(*)::integer AS students
            FROM (SELECT DISTINCT x.custodian, x.student FROM readable x) r GROUP BY r.custodian
        )
        SELECT c.custodian, c.students FROM counted c WHERE NOT holds(c.custodian);
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.queried IS
    'Whose records of these types a query of the caller reads, and of how many students each: all whose releases name
     it now, or of these students alone. What one custodian is told hangs on its own records and releases.';
