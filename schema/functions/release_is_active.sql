CREATE OR REPLACE FUNCTION hallpass.release_is_active(e hallpass.release, recipient_ancestors uuid[]) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM hallpass.active_releases(e.compartment, e.custodian, recipient_ancestors) f WHERE f.consent = e.consent)
$$;
COMMENT ON FUNCTION hallpass.release_is_active IS
    'Whether a release has effect now: in its time, its signer with authority, under an agreement.';
