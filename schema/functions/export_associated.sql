CREATE OR REPLACE FUNCTION hallpass.export_associated(
    p_export uuid, p_compartments uuid[], p_latest boolean, p_by_patient boolean
) RETURNS void LANGUAGE sql AS $$
    WITH about AS MATERIALIZED (
        SELECT r.compartment, r.student, r.id, r.version, r.type, NOT hallpass.holds(r.custodian) AS others, t.target,
               coalesce((SELECT min(d.lower) FROM hallpass.term_date d
                   WHERE d.compartment = r.compartment AND d.id = r.id AND d.param = 'recorded'), r.updated) AS recorded
        FROM hallpass.export e CROSS JOIN unnest(p_compartments) c(compartment) CROSS JOIN LATERAL (
            SELECT * FROM hallpass.resource r
            WHERE r.compartment = c.compartment AND r.type = 'Provenance' AND r.current AND NOT r.deleted
              AND r.updated < e.horizon OFFSET 0) r
        JOIN hallpass.term_reference t ON t.compartment = r.compartment AND t.id = r.id AND t.param = 'target'
        JOIN hallpass.export_item i ON i.export = e.id AND i.id = t.target AND i.type <> 'Provenance'
        WHERE e.id = p_export
    ), chosen AS MATERIALIZED (
        SELECT DISTINCT k.compartment, k.student, k.id, k.version, k.type, k.others FROM (
            SELECT a.*, row_number() OVER (PARTITION BY a.target ORDER BY a.recorded DESC, a.id) AS place FROM about a) k
        WHERE (NOT p_latest OR k.place = 1)
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = k.id)
    ), given AS (
        INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
            SELECT hallpass.feed_reader(), e.feed, c.id, c.version, c.compartment, c.type, hallpass.instant(), e.at
            FROM chosen c JOIN hallpass.export e ON e.id = p_export WHERE c.others
        ON CONFLICT (reader, feed, id, version) DO NOTHING
    )
    INSERT INTO hallpass.export_item
        SELECT p_export, s.series, row_number() OVER (ORDER BY c.compartment, c.id) + coalesce((
                   SELECT max(i.n) FROM hallpass.export_item i WHERE i.export = p_export AND i.series = s.series), 0),
               c.compartment, c.id, c.version, c.type
        FROM chosen c CROSS JOIN (SELECT CASE WHEN p_by_patient THEN '' ELSE 'Provenance' END AS series) s
$$;
COMMENT ON FUNCTION hallpass.export_associated IS
    'Chooses the Provenance about what is chosen in some compartments: all that the caller sees, or of each record the one
     that was recorded last. An invoker''s function: the wall says what is seen.';
