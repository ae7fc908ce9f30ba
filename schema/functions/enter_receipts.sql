CREATE OR REPLACE FUNCTION hallpass.enter_receipts(p_compartments uuid[], p_consents uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    WITH made AS (
        INSERT INTO receipt (compartment, consent, recipient, custodian)
        SELECT DISTINCT r.compartment, r.id, caller(), r.custodian FROM unnest(p_compartments, p_consents) k(compartment, consent)
        JOIN resource r ON r.compartment = k.compartment AND r.id = k.consent AND r.current
        WHERE NOT r.parties && ancestors() ORDER BY r.compartment, r.id
        ON CONFLICT DO NOTHING RETURNING compartment, consent, recipient
    )
    INSERT INTO access (compartment, id, org, consent, type, updated, custodian, precomputed)
    SELECT r.compartment, r.id, m.recipient, NULL, r.type, r.updated, r.custodian, true
    FROM made m JOIN resource r ON r.compartment = m.compartment AND r.id = m.consent AND r.current
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION hallpass.enter_receipts IS
    'The caller received something under these Consents, which name it by a class: it may read them from now on.';
