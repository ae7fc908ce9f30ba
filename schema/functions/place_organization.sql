CREATE OR REPLACE FUNCTION hallpass.place_organization(
    p_id uuid, p_parent uuid, p_zone text, p_honour boolean, p_state text DEFAULT NULL,
    p_classes uuid[] DEFAULT '{}'
) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_old   organization;
    v_ancestors uuid[];
    v_compartment uuid;
    c_depth CONSTANT integer := 12;
BEGIN
    SELECT * INTO v_old FROM organization o WHERE o.id = p_id;
    IF v_old.id IS NULL THEN  -- what it becomes a part of keeps its place until this is committed
        PERFORM pg_advisory_xact_lock_shared(place_key(t.ancestor)) FROM tree t WHERE t.id = p_parent ORDER BY t.ancestor;
    ELSIF v_old.ancestors[2] IS DISTINCT FROM p_parent OR v_old.classes <> p_classes THEN
        PERFORM pg_advisory_xact_lock(place_key(p_id));
    END IF;
    SELECT ARRAY[p_id] || coalesce((SELECT o.ancestors FROM organization o WHERE o.id = p_parent), '{}') INTO v_ancestors;
    IF p_id = ANY (v_ancestors[2:]) THEN
        RETURN 'cycle';
    END IF;
    IF v_old.ancestors IS DISTINCT FROM v_ancestors AND cardinality(v_ancestors) > c_depth THEN
        RETURN 'deep';
    END IF;
    IF v_old.ancestors <> v_ancestors AND caller() IS NOT NULL AND EXISTS (
        SELECT 1 FROM client c JOIN tree t ON t.id = c.organization WHERE t.ancestor = p_id) THEN
        RETURN 'member';
    END IF;
    IF (v_old.zone, v_old.honor, v_old.state) IS DISTINCT FROM (p_zone, p_honour, p_state) AND caller() <> p_id AND EXISTS (
        SELECT 1 FROM client c WHERE c.organization = p_id) THEN
        RETURN 'member';
    END IF;
    INSERT INTO organization VALUES (p_id, v_ancestors, p_zone, p_honour, p_state, p_classes)
        ON CONFLICT (id) DO UPDATE
            SET ancestors = v_ancestors, zone = p_zone, honor = p_honour, state = p_state, classes = p_classes;
    IF v_old.id IS NULL THEN
        INSERT INTO tree SELECT t.ancestor, p_id FROM tree t WHERE t.id = p_parent UNION ALL SELECT p_id, p_id;
    ELSIF v_old.ancestors <> v_ancestors THEN
        UPDATE organization o SET ancestors = o.ancestors[:array_position(o.ancestors, p_id) - 1] || v_ancestors
            WHERE o.ancestors @> ARRAY[p_id] AND o.id <> p_id;
        DELETE FROM tree t USING tree d 
            WHERE d.ancestor = p_id AND t.id = d.id
              AND NOT EXISTS (SELECT 1 FROM tree s WHERE s.ancestor = p_id AND s.id = t.ancestor);
        INSERT INTO tree SELECT a.ancestor, d.id FROM tree d CROSS JOIN tree a 
            WHERE d.ancestor = p_id AND a.id = p_parent ON CONFLICT DO NOTHING;
    END IF;
    IF v_old.zone <> p_zone THEN  -- a birthday begins there at another moment
        FOR v_compartment IN SELECT DISTINCT e.compartment FROM release e WHERE e.custodian = p_id ORDER BY 1 LOOP
            PERFORM refresh_validity(v_compartment, p_id);
        END LOOP;
    END IF;
    RETURN 'placed';
END $$;
COMMENT ON FUNCTION hallpass.place_organization IS
    'Puts an organization in its place in the tree: a row, and one for each that it is part of. Returns placed; or, and
     nothing done, cycle (it would be part of itself), deep (too many above it) or member (it calls for itself, so that
     its place, and who sees its records, is the operator''s to change).';
