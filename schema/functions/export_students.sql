CREATE OR REPLACE FUNCTION hallpass.export_students(p_export uuid, p_types text[], p_only uuid[]) RETURNS integer
    LANGUAGE sql AS $$
    WITH reach AS (
        SELECT s.compartment FROM hallpass.reached() s
        UNION
        SELECT r.compartment FROM hallpass.tree t JOIN hallpass.resource r ON r.custodian = t.id
        WHERE t.ancestor = (SELECT hallpass.caller()) AND r.current AND NOT r.deleted AND NOT r.directory
        UNION
        SELECT p.compartment FROM hallpass.party_versions(p_types) p
    ), listed AS (
        INSERT INTO hallpass.export_student
            SELECT p_export, row_number() OVER (ORDER BY k.compartment), k.compartment FROM reach k
            WHERE p_only IS NULL OR k.compartment = ANY (p_only)
        RETURNING 1
    )
    SELECT count(*)::integer FROM listed
$$;
COMMENT ON FUNCTION hallpass.export_students IS
    'Lists the compartments in which the caller may see something, all or of these only. An invoker''s function.';
