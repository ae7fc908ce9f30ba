CREATE OR REPLACE FUNCTION hallpass.index_records(p_compartments uuid[], p_ids uuid[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_compartments uuid[] := p_compartments;
    v_ids          uuid[] := p_ids;
    v_written      integer;
BEGIN
    IF EXISTS (SELECT 1 FROM provision p WHERE p.compartment = ANY (p_compartments) AND p.related IS NOT NULL) THEN
        -- A release opens what a record refers to; so what any version of this one referred to may open or close now.
        SELECT array_agg(f.compartment), array_agg(f.id) INTO v_compartments, v_ids FROM (
            SELECT k.compartment, k.id FROM unnest(p_compartments, p_ids) k(compartment, id)
            UNION
            SELECT r.compartment, ref FROM unnest(p_compartments, p_ids) k(compartment, id)
            JOIN resource r ON r.compartment = k.compartment AND r.id = k.id CROSS JOIN unnest(r.refs) ref
            JOIN resource t ON t.compartment = r.compartment AND t.id = ref AND t.current AND t.custodian = r.custodian
            WHERE EXISTS (SELECT 1 FROM provision p WHERE p.compartment = k.compartment AND k.id = ANY (p.related))) f;
        -- It does not wait for who writes what refers to a Patient or RelatedPerson.
        PERFORM defer_index(r.compartment, r.custodian, true)
            FROM unnest(p_compartments, p_ids) k(compartment, id)
            JOIN resource r ON r.compartment = k.compartment AND r.id = k.id AND r.current
            WHERE r.type IN ('Patient', 'RelatedPerson') AND EXISTS (
                SELECT 1 FROM provision p WHERE p.compartment = k.compartment AND p.related IS NOT NULL);
    END IF;
    WITH due AS MATERIALIZED (SELECT * FROM expected_access_rows(v_compartments, v_ids)),
    gone AS (
        DELETE FROM access a USING (  -- EXCEPT takes as long as its rows are many, whatever the plan expects
            SELECT h.compartment, h.id, h.org, h.consent FROM unnest(v_compartments, v_ids) k(compartment, id)
                JOIN access h ON h.compartment = k.compartment AND h.id = k.id
            EXCEPT SELECT d.compartment, d.id, d.org, d.consent FROM due d) g
        WHERE a.compartment = g.compartment AND a.id = g.id AND a.org = g.org AND a.consent IS NOT DISTINCT FROM g.consent
        RETURNING 1
    ), made AS (
        INSERT INTO access AS a (compartment, id, org, consent, type, updated, custodian, precomputed)
        SELECT d.compartment, d.id, d.org, d.consent, d.type, d.updated, d.custodian, d.precomputed FROM due d
        ON CONFLICT (compartment, id, org, consent) DO UPDATE SET updated = EXCLUDED.updated, precomputed = EXCLUDED.precomputed
            WHERE (a.updated, a.precomputed) IS DISTINCT FROM (EXCLUDED.updated, EXCLUDED.precomputed)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone)::integer + (SELECT count(*) FROM made)::integer INTO v_written;
    RETURN v_written;
END $$;
COMMENT ON FUNCTION hallpass.index_records IS
    'Brings the access index up to date with some records, of any students. It writes what differs and nothing else, and
     returns how many rows that is.';
