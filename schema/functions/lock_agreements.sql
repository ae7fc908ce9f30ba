CREATE OR REPLACE FUNCTION hallpass.lock_agreements(p_disclosers uuid[], p_recipients uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_key bigint;
BEGIN
    FOR v_key IN SELECT DISTINCT hallpass.agreement_key(k.discloser, k.recipient)
                 FROM unnest(p_disclosers, p_recipients) AS k(discloser, recipient) ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.lock_agreements IS
    'Waits for the disclosures in flight under these agreements; those that come wait for this transaction''s end.';
