CREATE OR REPLACE FUNCTION hallpass.refers(p_compartment uuid, p_from uuid[], p_custodian uuid, p_to uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM hallpass.resource f
        WHERE f.compartment = p_compartment AND f.id = ANY (p_from) AND f.current AND NOT f.deleted AND f.custodian = p_custodian
          AND p_to = ANY (f.refs))
$$;
COMMENT ON FUNCTION hallpass.refers IS 'Whether one of these resources, of this custodian, refers to another.';
