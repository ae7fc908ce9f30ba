CREATE OR REPLACE FUNCTION hallpass.export_choose(
    p_export uuid, p_types text[], p_compartments uuid[], p_ids uuid[], p_since timestamptz, p_until timestamptz,
    p_by_patient boolean, p_consents boolean
) RETURNS void LANGUAGE plpgsql
    -- Planned while an export is empty, it reads by the indexes all the same when it is long.
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_feed    text;
    v_at      timestamptz;
    v_horizon timestamptz;
    v_told    timestamptz;
BEGIN
    SELECT e.feed, e.at, e.horizon, e.told INTO v_feed, v_at, v_horizon, v_told FROM hallpass.export e WHERE e.id = p_export;
    WITH released AS MATERIALIZED (
        SELECT s.compartment, s.custodian FROM hallpass.released_since(p_since) s WHERE p_since IS NOT NULL AND v_told IS NULL
    ), seen AS MATERIALIZED (
        SELECT r.compartment, r.student, r.id, r.version, r.type, r.updated, NOT hallpass.holds(r.custodian) AS others
        FROM unnest(p_compartments) c(compartment) CROSS JOIN LATERAL (
            SELECT * FROM hallpass.resource r
            WHERE r.compartment = c.compartment AND r.current AND NOT r.deleted AND NOT r.directory
              AND (r.type = ANY (p_types) AND (p_ids IS NULL OR r.id = ANY (p_ids))
                   -- What records under 42 CFR Part 2 leave under goes along.
                   OR p_consents AND r.type = 'Consent' AND NOT hallpass.holds(r.custodian)
                   AND EXISTS (SELECT 1 FROM hallpass.active_release k WHERE k.compartment = r.compartment AND k.consent = r.id)
                   AND EXISTS (SELECT 1 FROM hallpass.resource p
                       WHERE p.compartment = c.compartment AND p.current AND NOT p.deleted AND p.custodian = r.custodian
                         AND '42CFRPart2' = ANY (p.labels)
                         AND p.type = ANY (p_types) AND (p_ids IS NULL OR p.id = ANY (p_ids)))) OFFSET 0) r
        -- Outside, so that no index of all records by their time is read for each student.
        WHERE r.updated < v_horizon AND (p_until IS NULL OR r.updated < p_until)
    ), chosen AS MATERIALIZED (
        SELECT s.* FROM seen s
        WHERE (p_since IS NULL OR s.updated >= p_since OR s.others AND CASE
            WHEN v_told IS NULL THEN EXISTS (SELECT 1 FROM released w WHERE w.compartment = s.compartment)
            ELSE NOT EXISTS (
                SELECT 1 FROM hallpass.feed_entry f
                WHERE f.reader = (SELECT hallpass.feed_reader()) AND f.feed = v_feed AND f.id = s.id AND f.version = s.version
                  AND (f.given <= v_told OR f.walk = v_told) OFFSET 0) END)
          -- One by one (OFFSET 0): what is empty as it is planned would be read whole for each.
          AND NOT EXISTS (SELECT 1 FROM hallpass.export_item i WHERE i.export = p_export AND i.id = s.id OFFSET 0)
    ), given AS (
        INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
            SELECT hallpass.feed_reader(), v_feed, c.id, c.version, c.compartment, c.type, hallpass.instant(), v_at
            FROM chosen c WHERE c.others
        ON CONFLICT (reader, feed, id, version) DO NOTHING
    ), placed AS MATERIALIZED (
        SELECT c.*, CASE WHEN p_by_patient AND c.student IS NOT NULL THEN '' ELSE c.type END AS series FROM chosen c
    ), base AS MATERIALIZED (
        SELECT d.series, coalesce((SELECT max(i.n) FROM hallpass.export_item i
            WHERE i.export = p_export AND i.series = d.series), 0) AS n FROM (SELECT DISTINCT p.series FROM placed p) d
    )
    INSERT INTO hallpass.export_item
        SELECT p_export, p.series, b.n + row_number() OVER (
                   PARTITION BY p.series ORDER BY p.compartment, p.type <> 'Patient', p.type, p.id),
               p.compartment, p.id, p.version, p.type
        FROM placed p JOIN base b ON b.series = p.series;
END $$;
COMMENT ON FUNCTION hallpass.export_choose IS
    'Chooses the current versions that the caller sees in some compartments: with `p_since` those written since, or of
     others and not yet given. What is chosen of others counts as given. `p_consents`: with records under 42 CFR Part 2 their Consents. An invoker''s function: the wall says what is seen.';
