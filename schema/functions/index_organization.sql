CREATE OR REPLACE FUNCTION hallpass.index_organization(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_compartment uuid;
BEGIN
    FOR v_compartment IN
        SELECT r.compartment FROM resource r
        WHERE r.custodian IN (SELECT o.id FROM organization o WHERE o.ancestors @> ARRAY[p_id]) AND NOT r.directory
        UNION SELECT r.compartment FROM resource r JOIN organization o ON o.ancestors @> ARRAY[p_id] AND r.parties && o.ancestors
        WHERE r.current AND NOT r.deleted AND r.parties <> '{}'
        UNION SELECT e.compartment FROM release e JOIN organization o ON o.ancestors @> ARRAY[p_id] AND e.recipients && o.ancestors
        UNION SELECT a.compartment FROM access a WHERE a.org IN (SELECT o.id FROM organization o WHERE o.ancestors @> ARRAY[p_id])
        ORDER BY 1
    LOOP
        PERFORM index_student(v_compartment, NULL);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.index_organization IS
    'Brings the access index up to date after an organization moved: rare, and as long as its records are many.';
