CREATE OR REPLACE FUNCTION hallpass.seen(p_ids uuid[]) RETURNS TABLE (type text, id uuid, student uuid, custodian uuid)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT r.type, r.id, r.student, r.custodian FROM hallpass.resource r
        WHERE r.id = ANY (p_ids) AND r.current AND NOT r.deleted;
END $$;
COMMENT ON FUNCTION hallpass.seen IS
    'Of these, the current resources that the caller sees. An invoker''s function: the wall judges.';
