CREATE OR REPLACE FUNCTION hallpass.count_custody() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    PERFORM nextval('write_count');  -- so that a worker knows that there is something new
    -- A version stands in for the one before: a first one is one more, and what is deleted or comes back one less or more.
    INSERT INTO custody_count
        SELECT n.custodian, n.type, sum(n.records) FROM (
            SELECT n.custodian, n.type, (NOT n.deleted)::integer - coalesce((
                SELECT (NOT b.deleted)::integer FROM resource b
                WHERE n.version > 1 AND b.compartment = n.compartment AND b.id = n.id AND b.version = n.version - 1), 0) AS records
            FROM new_rows n WHERE n.current AND NOT n.directory) n
        GROUP BY 1, 2 HAVING sum(n.records) <> 0;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hallpass.count_custody IS 'Appends what the versions of a statement change of how much is held.';
