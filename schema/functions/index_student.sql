CREATE OR REPLACE FUNCTION hallpass.index_student(p_compartment uuid, p_recipients uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_orgs uuid[];
BEGIN
    IF p_recipients IS NOT NULL THEN
        SELECT coalesce(array_agg(m.id), '{}') INTO v_orgs FROM organization m WHERE m.ancestors && p_recipients;
    END IF;
    DELETE FROM access a WHERE a.compartment = p_compartment AND (v_orgs IS NULL OR a.org = ANY (v_orgs));
    INSERT INTO access SELECT * FROM expected_access_rows(p_compartment, NULL, v_orgs);
END $$;
COMMENT ON FUNCTION hallpass.index_student IS
    'Brings the access index up to date with a student''s releases, for these recipients or (NULL) for all.';
