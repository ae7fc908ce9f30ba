CREATE OR REPLACE FUNCTION hallpass.given_before(p_compartment uuid, p_id uuid, p_version integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM disclosure d WHERE d.compartment = p_compartment AND d.id = p_id
                   AND d.version < p_version AND d.recipient = caller())
$$;
COMMENT ON FUNCTION hallpass.given_before IS 'Whether the caller''s organization was given an earlier version of a record.';
