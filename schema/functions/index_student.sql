CREATE OR REPLACE FUNCTION hallpass.index_student(p_compartment uuid, p_custodian uuid) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(index_records(array_agg(p_compartment), array_agg(k.id)), 0) FROM (
        SELECT r.id FROM resource r
        WHERE r.compartment = p_compartment AND r.current AND (p_custodian IS NULL OR r.custodian = p_custodian)
        UNION
        SELECT a.id FROM access a
        WHERE a.compartment = p_compartment AND (p_custodian IS NULL OR a.custodian = p_custodian)) k
$$;
COMMENT ON FUNCTION hallpass.index_student IS
    'Brings the access index up to date with a student''s records and releases, of one custodian where given. It writes what
     differs and nothing else, and returns how many rows that is.';
