CREATE OR REPLACE FUNCTION hallpass.index_newcomer(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_ancestors uuid[];
    v_compartment uuid;
BEGIN
    SELECT o.ancestors INTO v_ancestors FROM organization o WHERE o.id = p_id;
    INSERT INTO access (compartment, org, id, type, updated, opens, closes, custodian)
        SELECT r.compartment, p_id, r.id, r.type, r.updated, '-infinity', 'infinity', r.custodian FROM resource r
        WHERE r.parties && v_ancestors AND r.current AND NOT r.deleted AND r.parties <> '{}';
    FOR v_compartment IN SELECT DISTINCT e.compartment FROM release e WHERE e.recipients && v_ancestors ORDER BY 1 LOOP
        PERFORM index_student(v_compartment, ARRAY[p_id]);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.index_newcomer IS
    'Fills the access index of an organization that is new: it sees what those above it see as party or recipient.';
