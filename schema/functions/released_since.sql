CREATE OR REPLACE FUNCTION hallpass.released_since(p_since timestamptz) RETURNS TABLE (compartment uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT e.compartment, e.custodian FROM release e
    JOIN resource c ON c.compartment = e.compartment AND c.id = e.consent AND c.current
    WHERE e.recipients && ancestors() AND (c.updated >= p_since OR e.opens >= p_since) AND release_is_active(e, ancestors())
$$;
COMMENT ON FUNCTION hallpass.released_since IS
    'The students of whom a release that was written or began since then opens something to the caller.';
