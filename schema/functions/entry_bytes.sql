CREATE OR REPLACE FUNCTION hallpass.entry_bytes(
    compartment uuid, at timestamptz, request uuid, id uuid, version integer, type text, interaction text, student uuid,
    custodian uuid, recipient uuid, client text, agent jsonb, purposes text[], basis text, consent uuid,
    consent_version integer, reason text, parameters text[], students integer
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT record_send(ROW(compartment, at, request, id, version, type, interaction, student, custodian, recipient, client,
                           agent, purposes, basis, consent, consent_version, reason, parameters, students))
$$;
COMMENT ON FUNCTION hallpass.entry_bytes IS 'All that an entry says, each value with its type and length.';
