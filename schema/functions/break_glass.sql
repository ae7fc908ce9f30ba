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
        SELECT DISTINCT ON (r.custodian) r.shard, f.updated
        FROM term_token t JOIN resource r ON r.shard = t.shard AND r.id = t.id AND r.current AND NOT r.deleted
        JOIN resource f ON f.shard = r.shard AND f.id = r.id AND f.version = 1
        WHERE t.type = 'Patient' AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value
        ORDER BY r.custodian, f.updated, r.id
    ), opened AS (
        INSERT INTO emergency SELECT h.shard, gen_random_uuid(), caller(), p_client, p_reason, moment(), moment() + p_for
        FROM (SELECT * FROM held ORDER BY held.updated, held.shard LIMIT c_most) h RETURNING emergency.shard
    )
    SELECT o.shard FROM opened o ORDER BY 1;
END $$;
COMMENT ON FUNCTION hallpass.break_glass IS
    'Opens the student with this identifier to the caller for a while, as each organization holds it: another that holds
     one by the same identifier hides none and is told of what is read of its own. Returns the students.';
