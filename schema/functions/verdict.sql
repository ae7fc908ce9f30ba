CREATE OR REPLACE FUNCTION hallpass.verdict(p_nodes integer[], p_parents integer[], p_root boolean) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_excepted integer[] := '{}';
BEGIN
    -- Nodes from the last to the root, so that each exception has spoken before its parent does.
    FOR i IN 1..cardinality(p_nodes) LOOP
        IF p_nodes[i] = 0 THEN
            RETURN p_root <> (0 = ANY (v_excepted));
        ELSIF NOT p_nodes[i] = ANY (v_excepted) THEN
            v_excepted := v_excepted || p_parents[i];
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hallpass.verdict IS
    'Whether a release permits (true) or denies (false), by those of its nodes that apply; NULL: its root does not.';
