CREATE OR REPLACE FUNCTION hallpass.place_organization(
    p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text DEFAULT NULL
) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_old   uuid[];
    v_ancestors uuid[];
BEGIN
    SELECT o.ancestors INTO v_old FROM organization o WHERE o.id = p_id;
    SELECT ARRAY[p_id] || coalesce((SELECT o.ancestors FROM organization o WHERE o.id = p_parent), '{}') INTO v_ancestors;
    IF p_id = ANY (v_ancestors[2:]) THEN
        RETURN 'cycle';
    END IF;
    IF v_old <> v_ancestors OR (v_old IS NULL AND p_parent IS NOT NULL) THEN
        -- A write that indexes meanwhile is waited for, and waits. It may be this one: its own lock does not hold it up.
        PERFORM pg_advisory_xact_lock(0);
    END IF;
    IF v_old <> v_ancestors AND caller() IS NOT NULL AND EXISTS (
        SELECT 1 FROM client c JOIN organization o ON o.id = c.organization WHERE o.ancestors @> ARRAY[p_id]) THEN
        RETURN 'member';
    END IF;
    INSERT INTO organization VALUES (p_id, v_ancestors, p_zone, p_honour, p_state)
        ON CONFLICT (id) DO UPDATE SET ancestors = v_ancestors, zone = p_zone, honor = p_honour, state = p_state;
    IF v_old <> v_ancestors THEN
        UPDATE organization o SET ancestors = o.ancestors[:array_position(o.ancestors, p_id) - 1] || v_ancestors
        WHERE o.ancestors @> ARRAY[p_id] AND o.id <> p_id;
        PERFORM index_organization(p_id);
    ELSIF v_old IS NULL AND p_parent IS NOT NULL THEN
        PERFORM index_newcomer(p_id);
    END IF;
    RETURN 'placed';
END $$;
COMMENT ON FUNCTION hallpass.place_organization IS
    'Puts an organization in its place in the tree. Answers placed; or, and nothing done, cycle (it would be part of
     itself) or member (it calls for itself, so that its place, and who sees its records, is the operator''s to change).';
