CREATE OR REPLACE FUNCTION hallpass.in_line(p_one uuid, p_other uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p_one = p_other OR EXISTS (
        SELECT 1 FROM hallpass.tree t
        WHERE (t.ancestor, t.id) IN ((p_one, p_other), (p_other, p_one)))
$$;
COMMENT ON FUNCTION hallpass.in_line IS 'Whether one organization is the other, a part of it, or what it is part of.';
