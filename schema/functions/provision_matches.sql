-- The rule; the reference is app/consent/evaluate.py, and a property test holds the two equal.
CREATE OR REPLACE FUNCTION hallpass.provision_matches(
    p hallpass.provision, part2 boolean, focal_custodian uuid, r_type text, r_id uuid, r_profiles text[],
    r_codes text[], r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT hallpass.conditions_match(p, part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs, r_authors,
                         r_clinical, p.related IS NOT NULL AND hallpass.refers(p.compartment, p.related, focal_custodian, r_id))
$$;
COMMENT ON FUNCTION hallpass.provision_matches IS
    'Whether a provision''s elements, time, purpose and recipient aside, cover a resource with these facts.';
