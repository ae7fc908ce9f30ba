CREATE OR REPLACE FUNCTION hallpass.lock_current(p_compartment uuid, p_type text, p_id uuid) RETURNS SETOF hallpass.resource
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hallpass.lock_compartments(ARRAY[p_compartment], true);
    RETURN QUERY SELECT * FROM hallpass.resource r WHERE r.id = p_id AND r.type = p_type AND r.current;
END $$;
COMMENT ON FUNCTION hallpass.lock_current IS 'The current version, if the caller sees it, as it is under the lock to write.';
