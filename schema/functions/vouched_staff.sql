CREATE OR REPLACE FUNCTION hallpass.vouched_staff(p_organization uuid, p_issuer text, p_subject text, p_address text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_client text;
BEGIN
    SELECT s.client INTO v_client FROM staff s JOIN client c ON c.id = s.client AND c.disabled IS NULL
        JOIN tree t ON t.id = s.organization AND t.ancestor = p_organization
        WHERE s.issuer = p_issuer AND s.subject = p_subject LIMIT 1;
    IF v_client IS NULL THEN
        UPDATE staff s SET issuer = p_issuer, subject = p_subject
            FROM client c, tree t
            WHERE c.id = s.client AND c.disabled IS NULL AND t.id = s.organization AND t.ancestor = p_organization
              AND s.address = p_address AND s.issuer IS NULL
            RETURNING s.client INTO v_client;
    END IF;
    RETURN v_client;
END $$;
COMMENT ON FUNCTION hallpass.vouched_staff IS
    'Who of a member''s staff, or of its parts'', a provider vouches for. From the first sign-in on, by an address that it
     has verified, it is the provider''s own subject that counts: an address may be given to another person later.';
