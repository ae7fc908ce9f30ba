CREATE OR REPLACE FUNCTION hallpass.feed_give(
    p_feed text, p_walk timestamptz, p_compartments uuid[], p_ids uuid[], p_versions integer[], p_types text[]
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO hallpass.feed_entry (reader, feed, id, version, compartment, type, given, walk)
        SELECT hallpass.feed_reader(), p_feed, k.id, k.version, k.compartment, k.type, hallpass.instant(), p_walk
        FROM unnest(p_compartments, p_ids, p_versions, p_types) AS k(compartment, id, version, type)
    ON CONFLICT (reader, feed, id, version) DO NOTHING
$$;
COMMENT ON FUNCTION hallpass.feed_give IS 'Remembers what a page of a feed gives.';
