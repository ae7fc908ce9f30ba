CREATE OR REPLACE FUNCTION hallpass.expunge(p_compartment uuid, p_ids uuid[], p_authority text, p_by text) RETURNS integer
    LANGUAGE plpgsql SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_count integer;
BEGIN
    INSERT INTO expunged
        SELECT r.compartment, r.id, r.type, r.custodian, count(*), instant(), p_authority, p_by FROM resource r
        WHERE r.compartment = p_compartment AND r.id = ANY (p_ids)
          AND EXISTS (SELECT 1 FROM resource c WHERE c.compartment = r.compartment AND c.id = r.id AND c.current AND c.deleted)
        GROUP BY r.compartment, r.id, r.type, r.custodian
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE resource r SET deleted = true, method = 'DELETE', body = '{}', label_at = 0, digest = '', profiles = '{}', codes = '{}',
        -- What no release reaches and no broken glass opens: to all but who holds it, it is not there.
        confidentiality = 6, labels = '{PSYTHPN}', parties = '{}', refs = '{}', authors = '{}', clinical = NULL
        FROM expunged x
        WHERE r.compartment = p_compartment AND r.id = ANY (p_ids) AND x.compartment = r.compartment AND x.id = r.id;
    DELETE FROM term_date t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_quantity t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_reference t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_string t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_token t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM term_uri t WHERE t.compartment = p_compartment AND t.id = ANY (p_ids);
    DELETE FROM access a WHERE a.compartment = p_compartment AND a.id = ANY (p_ids);
    DELETE FROM receipt e WHERE e.compartment = p_compartment AND e.consent = ANY (p_ids);  -- it would show the Consent
    UPDATE submission_line l SET source = split_part(l.source, '/', 1), issues = NULL
        FROM expunged x WHERE x.compartment = p_compartment AND x.id = ANY (p_ids) AND l.resource = x.type || '/' || x.id;
    DELETE FROM submitted s WHERE s.id = ANY (p_ids);
    UPDATE transfer t SET notice = 'expunged', waiting = '[]'
        WHERE t.compartment = p_compartment AND p_compartment = ANY (p_ids);
    RETURN v_count;
END $$;
COMMENT ON FUNCTION hallpass.expunge IS
    'Destroys all content of records that are deleted, in every version and in what is derived from them, and enters that it
     was done. The versions stay by number, since the ledger cites them. The owner''s alone. Returns how many were new.';
