CREATE OR REPLACE FUNCTION hallpass.lock_current(p_compartment uuid, p_custodian uuid, p_type text, p_id uuid, p_kind text)
    RETURNS SETOF hallpass.resource LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hallpass.lock_writes(ARRAY[p_compartment], ARRAY[p_custodian], ARRAY[p_id], ARRAY[p_kind]);
    RETURN QUERY SELECT * FROM hallpass.resource r WHERE r.id = p_id AND r.type = p_type AND r.current;
END $$;
COMMENT ON FUNCTION hallpass.lock_current IS 'The current version, if the caller sees it, as it is under the locks to write.';
