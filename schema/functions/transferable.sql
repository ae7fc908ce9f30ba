CREATE OR REPLACE FUNCTION hallpass.transferable(p_compartment uuid, p_custodian uuid) RETURNS TABLE (id uuid, bytes integer)
    LANGUAGE sql STABLE SET search_path = hallpass, pg_temp AS $$
    SELECT r.id, octet_length(r.body) FROM resource r
    WHERE r.compartment = p_compartment AND r.custodian = p_custodian AND r.current AND NOT r.deleted
      AND r.student IS NOT NULL AND NOT r.directory AND NOT r.type IN ('Consent', 'Provenance', {party_written_types})
      AND NOT r.labels && ARRAY['42CFRPart2', 'minor-signs', 'both-sign', 'PSYTHPN']
      AND NOT (r.type IN ({referred_types}) AND EXISTS (
          SELECT 1 FROM resource f WHERE f.compartment = r.compartment AND f.current AND NOT f.deleted AND r.id = ANY (f.refs)
            AND f.labels && ARRAY['42CFRPart2', 'minor-signs', 'both-sign', 'PSYTHPN']))
$$;
COMMENT ON FUNCTION hallpass.transferable IS
    'The records of a student that go to a new district by 34 CFR 99.31(a)(2), of those that the asker sees. What a law beside
     that of education records keeps back stays behind: 42 CFR Part 2, what a minor signs for, psychotherapy notes, and the bytes
     that belong to those. Consents and Tasks are the old district''s own.';
