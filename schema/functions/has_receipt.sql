CREATE OR REPLACE FUNCTION hallpass.has_receipt(p_compartment uuid, p_consent uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM hallpass.receipt k
        WHERE k.compartment = p_compartment AND k.consent = p_consent AND k.recipient = ANY (hallpass.ancestors()))
$$;
COMMENT ON FUNCTION hallpass.has_receipt IS 'Whether the caller received something under a Consent. An invoker''s function.';
