CREATE OR REPLACE FUNCTION hallpass.party_versions(p_types text[]) RETURNS TABLE (compartment uuid, id uuid, version integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT r.compartment, r.id, r.version FROM resource r
    WHERE r.parties <> '{}' AND r.parties && ancestors() AND r.type = ANY (p_types) AND NOT holds(r.custodian)
    UNION
    SELECT r.compartment, r.id, r.version FROM receipt k JOIN resource r ON r.compartment = k.compartment AND r.id = k.consent
    WHERE k.recipient = ANY (ancestors()) AND 'Consent' = ANY (p_types) AND NOT holds(r.custodian)
$$;
COMMENT ON FUNCTION hallpass.party_versions IS
    'The versions of others'' resources that the caller sees as a party, for the history of a type.';
