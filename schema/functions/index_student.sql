CREATE OR REPLACE FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid, p_ids uuid[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    WITH due AS MATERIALIZED (SELECT * FROM expected_access_rows(p_compartment, p_custodian, p_ids)),
    gone AS (
        DELETE FROM access a WHERE a.compartment = p_compartment AND (p_custodian IS NULL OR a.custodian = p_custodian)
          AND (p_ids IS NULL OR a.id = ANY (p_ids))
          AND NOT EXISTS (SELECT 1 FROM due d WHERE d.id = a.id AND d.org = a.org AND d.consent IS NOT DISTINCT FROM a.consent)
        RETURNING 1
    ), made AS (
        INSERT INTO access AS a SELECT * FROM due
        ON CONFLICT (compartment, id, org, consent) DO UPDATE SET updated = EXCLUDED.updated, precomputed = EXCLUDED.precomputed
            WHERE (a.updated, a.precomputed) IS DISTINCT FROM (EXCLUDED.updated, EXCLUDED.precomputed)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone)::integer + (SELECT count(*) FROM made)::integer
$$;
COMMENT ON FUNCTION hallpass.index_student IS
    'Brings the access index up to date with a student''s records and releases, of one custodian or some records where
     given. It writes what differs and nothing else, and returns how many rows that is.';
