-- The rule; the reference is app/consent/evaluate.py, and a property test holds the two equal.
CREATE OR REPLACE FUNCTION hallpass.consent_permitting(
    r_compartment uuid, r_custodian uuid, r_type text, r_id uuid, r_profiles text[], r_codes text[],
    r_confidentiality smallint, r_labels text[], r_refs uuid[], r_authors uuid[], r_clinical tstzrange
) RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = hallpass, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_ancestors    uuid[] := ancestors();
    v_purposes text[];
    v_now      timestamptz;
    v_consent  uuid;
    v_node     record;
    v_excepted integer[];
    v_permit   uuid;
    v_referral resource;
BEGIN
    IF v_ancestors = '{}' OR caller() IS NULL THEN
        RETURN NULL;
    END IF;
    IF r_type IN ({referred_types}) THEN
        RETURN permitting_by_referrer(r_compartment, r_custodian, r_type, r_id, r_profiles, r_confidentiality, r_labels);
    END IF;
    v_purposes := purposes();
    v_now := statement_time();
    IF r_type IN ({party_written_types}) AND r_refs && v_ancestors THEN
        v_referral := referral_of(r_compartment, r_custodian, r_refs);
        v_referral.labels := v_referral.labels || r_labels;
        v_referral.confidentiality := greatest(v_referral.confidentiality, r_confidentiality);
    END IF;
    -- From the last node to the root, so that each exception has spoken before its parent does.
    FOR v_node IN
        SELECT e.consent, p.node, p.parent, p.permit
        FROM active_releases(r_compartment, r_custodian) e
        JOIN provision p ON p.compartment = e.compartment AND p.consent = e.consent
        WHERE p.opens <= v_now AND v_now < p.closes
          AND (p.recipients IS NULL OR p.recipients && v_ancestors)
          AND (p.purposes IS NULL OR p.purposes && v_purposes)
          AND ((NOT p.permit OR NOT hangs_on_signers(r_labels) OR signers_suffice(e, r_labels, r_clinical))
               AND conditions_match(p, e.part2, r_type, r_id, r_profiles, r_codes, r_confidentiality, r_labels, r_refs,
                   r_authors, r_clinical, p.related IS NOT NULL AND refers(p.compartment, p.related, e.custodian, r_id))
               -- To an organization that a Task names it is covered where the referral is that it is about.
               OR v_referral.id IS NOT NULL AND (NOT p.permit OR signers_suffice(e, v_referral.labels, v_referral.clinical))
               AND conditions_match(p, e.part2, v_referral.type, v_referral.id, v_referral.profiles, v_referral.codes,
                   v_referral.confidentiality, v_referral.labels, v_referral.refs, v_referral.authors, v_referral.clinical,
                   p.related IS NOT NULL AND refers(p.compartment, p.related, e.custodian, v_referral.id)))
        ORDER BY e.opens, e.consent, p.node DESC
    LOOP
        IF v_consent IS DISTINCT FROM v_node.consent THEN
            v_consent := v_node.consent;
            v_excepted := '{}';
        END IF;
        IF v_node.node = 0 THEN
            IF v_node.permit = (0 = ANY (v_excepted)) THEN
                RETURN NULL;  -- a deny that applies beats any permit
            END IF;
            v_permit := coalesce(v_permit, v_node.consent);
        ELSIF NOT v_node.node = ANY (v_excepted) THEN
            v_excepted := v_excepted || v_node.parent;
        END IF;
    END LOOP;
    RETURN v_permit;
END $$;
COMMENT ON FUNCTION hallpass.consent_permitting IS
    'The Consent that opens a resource with these facts to the caller now; NULL: none does, or a deny applies.';
