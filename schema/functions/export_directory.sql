CREATE OR REPLACE FUNCTION hallpass.export_directory(
    p_export uuid, p_types text[], p_ids uuid[], p_since timestamptz, p_until timestamptz
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO hallpass.export_item
        SELECT p_export, r.type, row_number() OVER (PARTITION BY r.type ORDER BY r.updated, r.id) + coalesce((
                   SELECT max(i.n) FROM hallpass.export_item i WHERE i.export = p_export AND i.series = r.type), 0),
               r.compartment, r.id, r.version, r.type
        FROM hallpass.resource r JOIN hallpass.export e ON e.id = p_export
        WHERE r.directory AND r.current AND NOT r.deleted AND r.type = ANY (p_types) AND (p_ids IS NULL OR r.id = ANY (p_ids))
          AND r.updated < e.horizon AND (p_since IS NULL OR r.updated >= p_since) AND (p_until IS NULL OR r.updated < p_until)
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = r.id OFFSET 0)
$$;
COMMENT ON FUNCTION hallpass.export_directory IS 'Chooses entries of the directory, which every member reads.';
