CREATE OR REPLACE FUNCTION hallpass.asserted_purposes(p_organization uuid) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT p), '{}') FROM tree t JOIN client c ON c.organization = t.id CROSS JOIN unnest(c.purposes) p
    WHERE t.ancestor = p_organization AND c.disabled IS NULL
$$;
COMMENT ON FUNCTION hallpass.asserted_purposes IS
    'The purposes of use that the clients of an organization, and of its parts, may assert: those that a release to it can have.';
