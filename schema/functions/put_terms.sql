CREATE OR REPLACE FUNCTION hallpass.put_terms(p_compartment uuid, p_id uuid, p_type text, p_terms jsonb, p_replace boolean)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_custodian uuid;
BEGIN
    SELECT r.custodian INTO v_custodian FROM resource r WHERE r.compartment = p_compartment AND r.id = p_id AND r.current
        AND (holds(r.custodian) OR (r.type IN ({party_written_types}) AND r.parties && ancestors()));
    IF v_custodian IS NULL THEN
        RAISE EXCEPTION 'only who writes a resource writes its terms';
    END IF;
    IF p_replace THEN
        DELETE FROM term_token t WHERE t.compartment = p_compartment AND t.id = p_id;
        DELETE FROM term_string t WHERE t.compartment = p_compartment AND t.id = p_id;
        DELETE FROM term_reference t WHERE t.compartment = p_compartment AND t.id = p_id;
        DELETE FROM term_date t WHERE t.compartment = p_compartment AND t.id = p_id;
        DELETE FROM term_quantity t WHERE t.compartment = p_compartment AND t.id = p_id;
        DELETE FROM term_uri t WHERE t.compartment = p_compartment AND t.id = p_id;
    END IF;
    IF p_terms ? 'term_token' THEN
        INSERT INTO term_token (compartment, id, custodian, type, param, n, system, code)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.system, x.code
            FROM jsonb_to_recordset(p_terms -> 'term_token') AS x(param text, system text, code text);
    END IF;
    IF p_terms ? 'term_string' THEN
        INSERT INTO term_string (compartment, id, custodian, type, param, n, folded, exact)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.folded, x.exact
            FROM jsonb_to_recordset(p_terms -> 'term_string') AS x(param text, folded text, exact text);
    END IF;
    IF p_terms ? 'term_reference' THEN
        INSERT INTO term_reference (compartment, id, custodian, type, param, n, target_type, target, url, system, code)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.target_type, x.target, x.url, x.system, x.code
            FROM jsonb_to_recordset(p_terms -> 'term_reference') AS x(param text, target_type text, target uuid, url text, system text, code text);
    END IF;
    IF p_terms ? 'term_date' THEN
        INSERT INTO term_date (compartment, id, custodian, type, param, n, lower, upper)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.lower, x.upper
            FROM jsonb_to_recordset(p_terms -> 'term_date') AS x(param text, lower timestamp with time zone, upper timestamp with time zone);
    END IF;
    IF p_terms ? 'term_quantity' THEN
        INSERT INTO term_quantity (compartment, id, custodian, type, param, n, low, high, system, code, unit)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.low, x.high, x.system, x.code, x.unit
            FROM jsonb_to_recordset(p_terms -> 'term_quantity') AS x(param text, low numeric, high numeric, system text, code text, unit text);
    END IF;
    IF p_terms ? 'term_uri' THEN
        INSERT INTO term_uri (compartment, id, custodian, type, param, n, value)
            SELECT p_compartment, p_id, v_custodian, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.value
            FROM jsonb_to_recordset(p_terms -> 'term_uri') AS x(param text, value text);
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.put_terms IS 'Stores the terms of a resource; with p_replace those before are taken away first.';
