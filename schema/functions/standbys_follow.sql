CREATE OR REPLACE FUNCTION hallpass.standbys_follow() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT names = '' OR coalesce((regexp_match(names, '^\s*(?:FIRST|ANY)?\s*(\d+)\s*\(', 'i'))[1]::integer, 1) <= (
        -- an owner that may not see what others replicate sees a row without its state
        SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') OR sync_state IS NULL)
    FROM (SELECT current_setting('synchronous_standby_names') AS names) configured
$$;
COMMENT ON FUNCTION hallpass.standbys_follow IS
    'Whether as many standbys follow as a commit waits for; with fewer, every commit waits until it is called off.';
