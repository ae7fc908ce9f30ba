CREATE OR REPLACE FUNCTION hallpass.break_glass(p_system text, p_value text, p_client text, p_reason text, p_for interval)
    RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    c_most CONSTANT integer := 20;
BEGIN
    IF NOT emergency() OR caller() IS NULL THEN
        RAISE EXCEPTION 'not an emergency';
    END IF;
    RETURN QUERY
    WITH held AS (
        SELECT DISTINCT ON (r.custodian) r.compartment, r.custodian, f.updated
        FROM term_token t JOIN resource r ON r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
        JOIN resource f ON f.compartment = r.compartment AND f.id = r.id AND f.version = 1
        WHERE t.type = 'Patient' AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value
        ORDER BY r.custodian, f.updated, r.id
    ), opened AS (
        INSERT INTO emergency SELECT h.compartment, gen_random_uuid(), caller(), p_client, p_reason, statement_time(), statement_time() + p_for,
                h.custodian
        FROM (SELECT * FROM held ORDER BY held.updated, held.compartment LIMIT c_most) h RETURNING emergency.compartment
    )
    SELECT o.compartment FROM opened o ORDER BY 1;
END $$;
COMMENT ON FUNCTION hallpass.break_glass IS
    'Opens the student with this identifier to the caller for a while, as each organization holds it: another that holds
     one by the same identifier hides none and is told of what is read of its own. Returns the students.';
