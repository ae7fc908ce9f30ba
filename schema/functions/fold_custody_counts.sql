CREATE OR REPLACE FUNCTION hallpass.fold_custody_counts() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    WITH many AS (SELECT h.custodian, h.type FROM custody_count h GROUP BY 1, 2 HAVING count(*) > 1),
    gone AS (DELETE FROM custody_count h USING many m WHERE h.custodian = m.custodian AND h.type = m.type RETURNING h.*),
    made AS (INSERT INTO custody_count SELECT g.custodian, g.type, sum(g.records) FROM gone g GROUP BY 1, 2 RETURNING 1)
    SELECT count(*) FROM gone WHERE (SELECT count(*) FROM made) >= 0
$$;
COMMENT ON FUNCTION hallpass.fold_custody_counts IS
    'Makes one row of the many of a custodian and type. One at a time: whoever calls it holds the lock of pruning.';
