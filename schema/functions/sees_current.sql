CREATE OR REPLACE FUNCTION hallpass.sees_current(p_compartment uuid, p_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM resource r
        WHERE r.compartment = p_compartment AND r.id = p_id AND r.current
          AND (sees_as_party(r.compartment, r.id, r.type, r.parties)
               OR (r.student IS NOT NULL AND consent_permitting(
                   r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs,
                   r.authors, r.clinical) IS NOT NULL)
               OR (r.student IS NOT NULL AND emergency() AND in_emergency(r.type, r.labels)
                   AND glass_broken(r.compartment))))
$$;
COMMENT ON FUNCTION hallpass.sees_current IS
    'Whether the caller sees the current version of another''s record: without that it sees no older one either, so that
     a label that was raised, a party that was corrected and a release that was narrowed reach back.';
