CREATE OR REPLACE FUNCTION hallpass.lock_create(
    p_compartment uuid, p_custodian uuid, p_id uuid, p_kind text, p_refs uuid[],
    OUT at timestamptz, OUT ids uuid[], OUT types text[]) LANGUAGE plpgsql AS $$
BEGIN
    -- Who may not see the student does not wait for those who write about it.
    IF p_compartment = p_id OR EXISTS (SELECT 1 FROM hallpass.seen(ARRAY[p_compartment])) THEN
        at := hallpass.lock_writes(ARRAY[p_compartment], ARRAY[p_custodian], ARRAY[p_id], ARRAY[p_kind]);
    END IF;
    SELECT coalesce(array_agg(s.id), '{}'), coalesce(array_agg(s.type), '{}') INTO ids, types FROM hallpass.seen(p_refs) s;
END $$;
COMMENT ON FUNCTION hallpass.lock_create IS
    'Takes the locks of the creation of a record, and returns the time after the wait (NULL: the caller does not see the
     student, and nothing is locked) and which of its references lead to what the caller sees. An invoker''s function.';
