CREATE OR REPLACE FUNCTION hallpass.reached() RETURNS TABLE (compartment uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT e.compartment, e.custodian FROM release e
    WHERE e.recipients && ancestors() AND release_is_active(e, ancestors())
    UNION
    SELECT m.compartment, NULL FROM emergency m
    WHERE emergency() AND m.organization = caller() AND m.opens <= statement_time() AND statement_time() < m.closes
$$;
COMMENT ON FUNCTION hallpass.reached IS
    'The students of whom a release in force, or a broken glass, may open something to the caller, and whose records
     (NULL: of any custodian). Each version is judged by itself all the same.';
