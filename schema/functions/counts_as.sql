CREATE OR REPLACE FUNCTION hallpass.counts_as(p_organization uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT o.ancestors || ARRAY(
        SELECT DISTINCT c FROM unnest(o.ancestors) x(id) JOIN organization a ON a.id = x.id CROSS JOIN unnest(a.classes) c ORDER BY c)
    FROM organization o WHERE o.id = p_organization
$$;
COMMENT ON FUNCTION hallpass.counts_as IS
    'What a release may name to reach an organization: itself, each that it is part of, and the classes of recipients of any
     of these. NULL: there is no such organization.';
