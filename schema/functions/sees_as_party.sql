CREATE OR REPLACE FUNCTION hallpass.sees_as_party(r_compartment uuid, r_id uuid, r_type text, r_parties uuid[])
    RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (NOT r_type IN ({party_written_types}) OR '{seen_by_parties}' = ANY (r_parties))
        AND (r_parties && hallpass.ancestors() OR r_type = 'Consent' AND hallpass.has_receipt(r_compartment, r_id))
$$;
COMMENT ON FUNCTION hallpass.sees_as_party IS
    'Whether the caller sees a resource since it is named in it, or, of a Consent, since it received something under it.
     Of types that parties write into, being one decides only what may be written, but where the record says otherwise.
     Without a query of its own, so that PostgreSQL makes it a part of the statement that asks it of each row.';
