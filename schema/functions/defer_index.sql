CREATE OR REPLACE FUNCTION hallpass.defer_index(p_compartment uuid, p_custodian uuid, p_distrust boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    UPDATE validity SET exact = false WHERE p_distrust AND compartment = p_compartment AND custodian = p_custodian AND exact;
    INSERT INTO index_backlog VALUES (p_compartment, p_custodian) ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION hallpass.defer_index IS
    'Leaves the access index as it is after a release ended, to be brought up to date later. With p_distrust, after one
     was narrowed: until then each record that the custodian''s releases of the student cover is judged by the whole rule.';
