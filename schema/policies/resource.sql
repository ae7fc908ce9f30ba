-- Row-level security is the second wall: whatever a query forgets, these hold.
CREATE POLICY see ON hallpass.resource FOR SELECT USING (
    custodian = ANY ((SELECT hallpass.descendants())::uuid[])
    OR (directory AND (SELECT hallpass.caller()) IS NOT NULL)
    OR ((current OR hallpass.sees_current(compartment, id)) AND (
    hallpass.sees_as_party(type, parties)
    OR (student IS NOT NULL AND current AND EXISTS (
            SELECT 1 FROM hallpass.visible_candidates a
            WHERE a.compartment = resource.compartment AND a.org = (SELECT hallpass.caller()) AND a.id = resource.id AND a.precomputed))
    OR (student IS NOT NULL AND hallpass.consent_permitting(
        compartment, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical) IS NOT NULL)
    OR (student IS NOT NULL AND (SELECT hallpass.emergency()) AND hallpass.in_emergency(type, labels)
        AND hallpass.glass_broken(compartment)))));
CREATE POLICY add ON hallpass.resource FOR INSERT WITH CHECK (
    custodian = ANY ((SELECT hallpass.descendants())::uuid[])
    OR (type IN ({party_written_types}) AND parties && (SELECT hallpass.ancestors())::uuid[]));
CREATE POLICY supersede ON hallpass.resource FOR UPDATE USING (
    custodian = ANY ((SELECT hallpass.descendants())::uuid[])
    OR (type IN ({party_written_types}) AND parties && (SELECT hallpass.ancestors())::uuid[]));
