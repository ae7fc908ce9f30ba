CREATE OR REPLACE FUNCTION hallpass.in_force(e hallpass.release, recipient_above uuid[]) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM hallpass.effective(e.shard, e.custodian, recipient_above) f WHERE f.consent = e.consent)
$$;
COMMENT ON FUNCTION hallpass.in_force IS
    'Whether a release has effect now: in its time, its signer with authority, under an agreement.';
