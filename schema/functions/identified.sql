CREATE OR REPLACE FUNCTION hallpass.identified(p_types text[], p_system text, p_value text) RETURNS TABLE (type text, id uuid)
    LANGUAGE sql STABLE AS $$
    SELECT r.type, r.id FROM hallpass.term_token t
    JOIN hallpass.resource r ON r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
    WHERE t.type = ANY (p_types) AND t.param = 'identifier' AND t.system = p_system AND t.code = p_value
      AND hallpass.holds(r.custodian)
    LIMIT 2
$$;
COMMENT ON FUNCTION hallpass.identified IS
    'What the caller itself holds by this identifier: two at the most, since of several none is meant.';
