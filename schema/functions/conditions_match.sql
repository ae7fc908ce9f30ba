CREATE OR REPLACE FUNCTION hallpass.conditions_match(
    p hallpass.provision, part2 boolean, r_type text, r_id uuid, r_profiles text[], r_codes text[],
    r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange, is_related boolean
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT (p.permit AND r_type = 'Consent')  -- for its parties alone: it says who treats the student
       AND (p.classes IS NULL OR r_type = ANY (p.classes) OR r_profiles && p.classes)
       AND (p.codes IS NULL OR r_codes && p.codes)
       AND CASE
           WHEN p.permit THEN
               r_confidentiality <= coalesce(p.confidentiality, 3)
               AND array_remove(array_remove(array_remove(r_labels, '42CFRPart2'), 'minor-signs'), 'both-sign')
                   <@ coalesce(p.labels, '{}')
               AND (p.labels IS NULL OR p.confidentiality IS NOT NULL OR r_labels && p.labels)
               AND (NOT '42CFRPart2' = ANY (r_labels) OR part2)
               AND (NOT 'PSYTHPN' = ANY (r_labels) OR p.labels = '{PSYTHPN}')
           ELSE p.labels IS NULL OR r_confidentiality >= p.confidentiality OR r_labels && p.labels
           END
       AND CASE
           WHEN p.about IS NULL THEN true
           WHEN isempty(r_clinical) THEN p.classes IS NOT NULL
           WHEN p.permit THEN coalesce(r_clinical <@ p.about, false)
           ELSE coalesce(r_clinical && p.about, true)
           END
       AND (coalesce(p.instances, p.related, p.dependents, p.authored) IS NULL
            OR coalesce(r_id = ANY (p.instances), false)
            OR coalesce(r_id = ANY (p.related), false)
            OR coalesce(r_id = ANY (p.dependents), false)
            OR coalesce(r_refs && p.dependents, false)
            OR coalesce(r_authors && p.authored, false)
            OR is_related)
$$;
COMMENT ON FUNCTION hallpass.conditions_match IS
    'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts. `is_related`:
     one that it names as related refers to it.';
