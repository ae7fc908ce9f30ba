CREATE OR REPLACE FUNCTION hallpass.permitting_by_referrer(
    r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_confidentiality smallint, r_labels text[]
) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT o.consent FROM resource f
    CROSS JOIN LATERAL (SELECT consent_permitting(
        f.compartment, f.custodian, f.type, f.id, f.profiles, f.codes, f.confidentiality, f.labels, f.refs, f.authors,
        f.clinical) IS NOT NULL AS seen OFFSET 0) s
    CROSS JOIN LATERAL (SELECT consent_permitting(
        f.compartment, f.custodian, f.type, f.id, f.profiles || r_profiles || r_type, f.codes,
        greatest(f.confidentiality, r_confidentiality), f.labels || r_labels, f.refs, f.authors,
        f.clinical) AS consent WHERE s.seen OFFSET 0) o
    WHERE f.compartment = r_compartment AND f.custodian = r_custodian AND f.current AND NOT f.deleted
      AND r_id = ANY (f.refs) AND NOT f.type IN ({live_types}) AND o.consent IS NOT NULL
    ORDER BY f.id LIMIT 1
$$;
COMMENT ON FUNCTION hallpass.permitting_by_referrer IS
    'The Consent that opens a Binary to the caller now, as the record of the same custodian that refers to it: that record
     is seen, and is so with the label of the Binary as well, and its type.';
