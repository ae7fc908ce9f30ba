CREATE OR REPLACE FUNCTION hallpass.holds(p_custodian uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(p_custodian = hallpass.acting(), false) OR EXISTS (
        SELECT 1 FROM hallpass.tree t WHERE t.ancestor = hallpass.acting() AND t.id = p_custodian)
$$;
COMMENT ON FUNCTION hallpass.holds IS
    'Whether what an organization holds is in the custody of the caller: its own, or that of a part of it.';
