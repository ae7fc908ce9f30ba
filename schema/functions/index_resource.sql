CREATE OR REPLACE FUNCTION hallpass.index_resource(p_compartment uuid, p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_custodian uuid;
    v_type      text;
    v_ids       uuid[] := ARRAY[p_id];
BEGIN
    SELECT r.custodian, r.type INTO v_custodian, v_type FROM resource r
        WHERE r.compartment = p_compartment AND r.id = p_id AND r.current;
    IF EXISTS (SELECT 1 FROM provision p WHERE p.compartment = p_compartment AND p.related IS NOT NULL) THEN
        -- A release opens what a record refers to; so what any version of this one referred to may open or close now.
        SELECT v_ids || array_agg(DISTINCT ref) INTO v_ids
            FROM resource r CROSS JOIN unnest(r.refs) ref
            WHERE r.compartment = p_compartment AND r.id = p_id
              AND EXISTS (SELECT 1 FROM provision p WHERE p.compartment = p_compartment AND p_id = ANY (p.related));
        IF v_type IN ('Patient', 'RelatedPerson') THEN
            PERFORM defer_index(p_compartment, v_custodian, true);  -- it does not wait for who writes what refers to it
        END IF;
    END IF;
    PERFORM index_student(p_compartment, v_custodian, v_ids);
END $$;
COMMENT ON FUNCTION hallpass.index_resource IS 'Brings the access index up to date with one record.';
