CREATE OR REPLACE FUNCTION hallpass.index_student(p_shard uuid, p_recipients uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_orgs uuid[];
BEGIN
    IF p_recipients IS NOT NULL THEN
        SELECT coalesce(array_agg(m.id), '{}') INTO v_orgs FROM organization m WHERE m.above && p_recipients;
    END IF;
    DELETE FROM access a WHERE a.shard = p_shard AND (v_orgs IS NULL OR a.org = ANY (v_orgs));
    INSERT INTO access SELECT * FROM candidates(p_shard, NULL, v_orgs);
END $$;
COMMENT ON FUNCTION hallpass.index_student IS
    'Brings the access index up to date with a student''s releases, for these recipients or (NULL) for all.';
