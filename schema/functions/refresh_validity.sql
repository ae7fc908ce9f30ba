CREATE OR REPLACE FUNCTION hallpass.refresh_validity(p_compartment uuid, p_custodian uuid) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    WITH due AS MATERIALIZED (SELECT * FROM expected_validity(p_compartment) v WHERE in_line(v.custodian, p_custodian)),
    made AS (
        INSERT INTO validity AS k (org, consent, compartment, version, custodian, since, until, majority, purposes,
                                   root_since, root_until, types)
        SELECT d.org, d.consent, d.compartment, d.version, d.custodian, d.since, d.until, d.majority, d.purposes,
               d.root_since, d.root_until, d.types FROM due d
        ON CONFLICT (org, consent) DO UPDATE
            SET version = EXCLUDED.version, since = EXCLUDED.since, until = EXCLUDED.until, majority = EXCLUDED.majority,
                purposes = EXCLUDED.purposes, root_since = EXCLUDED.root_since, root_until = EXCLUDED.root_until,
                types = EXCLUDED.types
            WHERE (k.version, k.since, k.until, k.majority, k.purposes, k.root_since, k.root_until, k.types) IS DISTINCT FROM
                  (EXCLUDED.version, EXCLUDED.since, EXCLUDED.until, EXCLUDED.majority, EXCLUDED.purposes,
                   EXCLUDED.root_since, EXCLUDED.root_until, EXCLUDED.types)
        RETURNING 1
    ), gone AS (
        DELETE FROM validity k WHERE k.compartment = p_compartment AND in_line(k.custodian, p_custodian)
          AND NOT EXISTS (SELECT 1 FROM due d WHERE d.org = k.org AND d.consent = k.consent)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM made)::integer + (SELECT count(*) FROM gone)::integer
$$;
COMMENT ON FUNCTION hallpass.refresh_validity IS
    'Brings up to date what a student''s releases rest on: those of a custodian, of a part of it and of what it is part of.
     It is called under their locks. Returns how many rows it wrote.';
