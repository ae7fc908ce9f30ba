-- The rule; the reference is app/consent/evaluate.py, and a property test holds the two equal.
CREATE OR REPLACE FUNCTION hallpass.signers_suffice(e hallpass.release, r_labels text[], r_clinical tstzrange) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_born date;
    v_adult timestamptz;
    v_zone text;
    v_state text;
    v_care timestamptz := lower(r_clinical);
    v_age  integer;
BEGIN
    IF NOT hangs_on_signers(r_labels) THEN
        RETURN true;
    END IF;
    SELECT coalesce(e.born_to, s.born_to), adult_from(e, s) INTO v_born, v_adult FROM (VALUES (e.compartment)) x(compartment)
        LEFT JOIN student s ON s.compartment = x.compartment;
    IF v_born IS NULL THEN
        RETURN false;
    END IF;
    SELECT o.zone, o.state INTO v_zone, v_state FROM organization o WHERE o.id = e.custodian;
    IF birthday(v_born, 18, v_zone) <= e.signed AND (e.signer IS NULL OR e.authority_opens IS NULL AND EXISTS (
           SELECT 1 FROM authority a WHERE a.compartment = e.compartment AND a.id = e.signer AND a.adult))
       OR e.signer IS NULL AND v_adult <= e.signed THEN
        RETURN true;
    END IF;
    IF NOT (e.signer IS NULL OR e.cosigned) THEN
        RETURN false;
    END IF;
    v_age := part2_age(v_state, (coalesce(v_care, e.signed) AT TIME ZONE v_zone)::date);
    IF 'both-sign' = ANY (r_labels) THEN
        RETURN e.signer IS NOT NULL;
    END IF;
    IF 'minor-signs' = ANY (r_labels) OR coalesce(birthday(v_born, v_age, v_zone) <= v_care, false) THEN
        RETURN e.signer IS NULL OR coalesce(birthday(v_born, v_age, v_zone) <= e.signed, false)
            OR coalesce(v_care <= e.signed, false);
    END IF;
    RETURN v_age IS NOT NULL AND e.signer IS NOT NULL;
END $$;
COMMENT ON FUNCTION hallpass.signers_suffice IS
    'Whether those who signed a release are those who may sign for a record with these labels: a minor controls some.';
