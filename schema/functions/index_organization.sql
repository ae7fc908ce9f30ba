CREATE OR REPLACE FUNCTION hallpass.index_organization(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_shard uuid;
BEGIN
    FOR v_shard IN
        SELECT r.shard FROM resource r
        WHERE r.custodian IN (SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_id]) AND NOT r.directory
        UNION SELECT r.shard FROM resource r JOIN organization o ON o.above @> ARRAY[p_id] AND r.parties && o.above
        WHERE r.current AND NOT r.deleted AND r.parties <> '{}'
        UNION SELECT e.shard FROM release e JOIN organization o ON o.above @> ARRAY[p_id] AND e.recipients && o.above
        UNION SELECT a.shard FROM access a WHERE a.org IN (SELECT o.id FROM organization o WHERE o.above @> ARRAY[p_id])
        ORDER BY 1
    LOOP
        PERFORM index_student(v_shard, NULL);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.index_organization IS
    'Brings the access index up to date after an organization moved: rare, and as long as its records are many.';
