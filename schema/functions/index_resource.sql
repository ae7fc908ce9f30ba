CREATE OR REPLACE FUNCTION hallpass.index_resource(p_compartment uuid, p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_ids uuid[] := ARRAY[p_id];
BEGIN
    IF EXISTS (SELECT 1 FROM provision p WHERE p.compartment = p_compartment AND p_id = ANY (p.related)) THEN
        -- A release opens what this one refers to; so what any version of it has referred to may open or close now.
        SELECT v_ids || array_agg(DISTINCT ref) INTO v_ids
            FROM resource r CROSS JOIN unnest(r.refs) ref WHERE r.compartment = p_compartment AND r.id = p_id;
    END IF;
    DELETE FROM access a WHERE a.compartment = p_compartment AND a.id = ANY (v_ids);
    INSERT INTO access SELECT * FROM expected_access_rows(p_compartment, v_ids, NULL);
END $$;
COMMENT ON FUNCTION hallpass.index_resource IS 'Brings the access index up to date with one resource.';
