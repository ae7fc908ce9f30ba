CREATE OR REPLACE FUNCTION hallpass.remove_organization(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM client c WHERE c.organization = p_id)
       OR EXISTS (SELECT 1 FROM tree t WHERE t.ancestor = p_id AND t.id <> p_id)
       OR EXISTS (SELECT 1 FROM resource r WHERE r.custodian = p_id AND r.current AND NOT r.deleted AND r.id <> p_id) THEN
        RETURN false;
    END IF;
    DELETE FROM organization o WHERE o.id = p_id;
    DELETE FROM tree t WHERE t.id = p_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION hallpass.remove_organization IS
    'Takes an organization out of the tree; false, and nothing done, while it has clients, parts or records.';
