CREATE OR REPLACE FUNCTION hallpass.export_deleted(p_export uuid, p_types text[], p_since timestamptz)
    RETURNS void LANGUAGE sql AS $$
    INSERT INTO hallpass.export_item
        SELECT p_export, 'deleted', row_number() OVER (ORDER BY d.type, d.id), d.id, d.id, 0, d.type
        FROM hallpass.export e CROSS JOIN LATERAL (
            SELECT r.type, r.id FROM hallpass.tree t JOIN hallpass.resource r ON r.custodian = t.id
            WHERE t.ancestor = (SELECT hallpass.caller()) AND r.type = ANY (p_types) AND r.updated >= p_since
              AND r.updated < e.horizon AND r.current AND r.deleted
            UNION
            SELECT r.type, r.id FROM hallpass.resource r
            WHERE r.directory AND r.type = ANY (p_types) AND r.updated >= p_since AND r.updated < e.horizon
              AND r.current AND r.deleted
            UNION
            SELECT f.type, f.id FROM hallpass.feed_entry f
            JOIN hallpass.resource r ON r.compartment = f.compartment AND r.id = f.id AND r.current AND r.deleted
            WHERE f.reader = (SELECT hallpass.feed_reader()) AND f.feed = e.feed AND f.type = ANY (p_types)
              AND r.updated >= p_since AND r.updated < e.horizon
            UNION
            SELECT w.type, w.id FROM hallpass.feed_withdraw(e.feed, e.at, e.told) w) d
        WHERE e.id = p_export
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = d.id OFFSET 0)
$$;
COMMENT ON FUNCTION hallpass.export_deleted IS
    'Lists what was deleted since, of what the caller holds, of the directory and of what it was given, and what it was
     given and no longer sees.';
