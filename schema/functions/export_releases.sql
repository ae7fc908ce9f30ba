CREATE OR REPLACE FUNCTION hallpass.export_releases(p_export uuid, p_after uuid, p_most integer)
    RETURNS TABLE (consent uuid, version integer) LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan AS $$
    SELECT DISTINCT k.consent, k.version FROM unnest(hallpass.ancestors()) o(org)
    CROSS JOIN LATERAL (
        SELECT k.consent, k.version FROM hallpass.active_release k
        WHERE k.org = o.org AND k.consent > p_after
          -- It opens a line,
          AND EXISTS (
              SELECT 1 FROM hallpass.access a JOIN hallpass.export_item i ON i.export = p_export AND i.id = a.id
              WHERE a.compartment = k.compartment AND a.org = k.org AND a.consent = k.consent
                AND (a.precomputed AND k.exact OR EXISTS (
                    SELECT 1 FROM hallpass.resource r
                    WHERE r.compartment = a.compartment AND r.id = a.id AND r.current AND NOT r.deleted
                      AND hallpass.consent_permitting(r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes,
                          r.confidentiality, r.labels, r.refs, r.authors, r.clinical) = k.consent)))
          -- and the caller may read it.
          AND EXISTS (SELECT 1 FROM hallpass.resource c WHERE c.compartment = k.compartment AND c.id = k.consent AND c.current)
        ORDER BY k.consent LIMIT p_most) k
    ORDER BY k.consent LIMIT p_most
$$;
COMMENT ON FUNCTION hallpass.export_releases IS
    'The next Consents, by their ids, that open a line of an export to the caller now and that it may read. An invoker''s function.';
