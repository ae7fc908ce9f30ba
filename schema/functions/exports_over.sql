CREATE OR REPLACE FUNCTION hallpass.exports_over(p_exports uuid[], p_before timestamptz) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT coalesce(array_agg(k.id), '{}') FROM unnest(p_exports) k(id)
    WHERE NOT EXISTS (
        SELECT 1 FROM export e WHERE e.id = k.id
          AND (e.status IN ('accepted', 'choosing') OR e.status = 'complete' AND e.ended >= p_before))
$$;
COMMENT ON FUNCTION hallpass.exports_over IS
    'Of some exports those of which nothing can be fetched any more: whatever the export store holds of them is removed.';
