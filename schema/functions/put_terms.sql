CREATE OR REPLACE FUNCTION hallpass.put_terms(p_compartments uuid[], p_ids uuid[], p_terms jsonb, p_replace boolean)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_custodians uuid[];
    v_types      text[];
BEGIN
    SELECT array_agg(r.custodian ORDER BY k.row), array_agg(r.type ORDER BY k.row) INTO v_custodians, v_types
        FROM unnest(p_compartments, p_ids) WITH ORDINALITY k(compartment, id, row)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.current
        WHERE holds(r.custodian) OR (r.type IN ({party_written_types}) AND r.parties && ancestors());
    IF cardinality(v_custodians) IS DISTINCT FROM cardinality(p_ids) THEN
        RAISE EXCEPTION 'only who writes a resource writes its terms';
    END IF;
    IF p_replace THEN
        DELETE FROM term_token t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_string t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_reference t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_date t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_quantity t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
        DELETE FROM term_uri t USING unnest(p_compartments, p_ids) k(compartment, id)
            WHERE t.compartment = k.compartment AND t.id = k.id;
    END IF;
    IF p_terms ? 'term_token' THEN
        INSERT INTO term_token (compartment, id, custodian, type, param, n, system, code)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.system, x.code
            FROM jsonb_array_elements(p_terms -> 'term_token') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, system text, code text))
                WITH ORDINALITY x(param, system, code, n);
    END IF;
    IF p_terms ? 'term_string' THEN
        INSERT INTO term_string (compartment, id, custodian, type, param, n, folded, exact)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.folded, x.exact
            FROM jsonb_array_elements(p_terms -> 'term_string') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, folded text, exact text))
                WITH ORDINALITY x(param, folded, exact, n);
    END IF;
    IF p_terms ? 'term_reference' THEN
        INSERT INTO term_reference (compartment, id, custodian, type, param, n, target_type, target, url, system, code)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.target_type, x.target, x.url, x.system, x.code
            FROM jsonb_array_elements(p_terms -> 'term_reference') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, target_type text, target uuid, url text, system text, code text))
                WITH ORDINALITY x(param, target_type, target, url, system, code, n);
    END IF;
    IF p_terms ? 'term_date' THEN
        INSERT INTO term_date (compartment, id, custodian, type, param, n, lower, upper)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.lower, x.upper
            FROM jsonb_array_elements(p_terms -> 'term_date') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, lower timestamptz, upper timestamptz))
                WITH ORDINALITY x(param, lower, upper, n);
    END IF;
    IF p_terms ? 'term_quantity' THEN
        INSERT INTO term_quantity (compartment, id, custodian, type, param, n, low, high, system, code, unit)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.low, x.high, x.system, x.code, x.unit
            FROM jsonb_array_elements(p_terms -> 'term_quantity') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, low numeric, high numeric, system text, code text, unit text))
                WITH ORDINALITY x(param, low, high, system, code, unit, n);
    END IF;
    IF p_terms ? 'term_uri' THEN
        INSERT INTO term_uri (compartment, id, custodian, type, param, n, value)
            SELECT p_compartments[l.row], p_ids[l.row], v_custodians[l.row], v_types[l.row], x.param, x.n, x.value
            FROM jsonb_array_elements(p_terms -> 'term_uri') WITH ORDINALITY l(terms, row)
            CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(l.terms) AS (param text, value text))
                WITH ORDINALITY x(param, value, n);
    END IF;
END $$;
COMMENT ON FUNCTION hallpass.put_terms IS
    'Stores the terms of resources: `p_terms` holds a list for each kind that there is any of, with a list of terms for each
     resource. With p_replace those before are taken away first.';
