-- Row-level security is the second wall: whatever a query forgets, these hold.
CREATE POLICY see ON hallpass.resource FOR SELECT USING (
    custodian = (SELECT hallpass.caller())
    OR EXISTS (SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian)
    OR (directory AND (SELECT hallpass.caller()) IS NOT NULL)
    OR ((current OR hallpass.sees_current(compartment, id)) AND (
    hallpass.sees_as_party(compartment, id, type, parties)
    -- What the index settles, with what is in effect now.
    OR (student IS NOT NULL AND current AND EXISTS (
            SELECT 1 FROM hallpass.access a CROSS JOIN LATERAL (
                SELECT 1 FROM hallpass.active_release k WHERE k.org = a.org AND k.consent = a.consent AND k.exact OFFSET 0) k
            WHERE a.compartment = resource.compartment AND a.id = resource.id AND a.precomputed))
    -- The whole rule, from the releases themselves; of a current record only where the index lists it for the caller.
    OR (student IS NOT NULL
        AND (NOT current OR deleted
             OR EXISTS (SELECT 1 FROM hallpass.access a WHERE a.compartment = resource.compartment AND a.id = resource.id))
        AND hallpass.consent_permitting(compartment, custodian, type, id, profiles, codes, confidentiality, labels, refs, authors, clinical)
            IS NOT NULL)
    OR (student IS NOT NULL AND (SELECT hallpass.emergency()) AND hallpass.in_emergency(type, labels)
        AND hallpass.glass_broken(compartment)))));
CREATE POLICY add ON hallpass.resource FOR INSERT WITH CHECK (
    custodian = (SELECT hallpass.caller())
    OR EXISTS (SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian)
    OR (type IN ({party_written_types}) AND parties && (SELECT hallpass.ancestors())::uuid[]));
-- The last one: what is open to claim, by whoever sees it.
CREATE POLICY supersede ON hallpass.resource FOR UPDATE USING (
    custodian = (SELECT hallpass.caller())
    OR EXISTS (SELECT 1 FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()) AND t.id = custodian)
    OR (type IN ({party_written_types}) AND parties && ((SELECT hallpass.ancestors())::uuid[] || '{open_to_claim}'::uuid)));
