CREATE OR REPLACE FUNCTION hallpass.referral_of(p_compartment uuid, p_custodian uuid, p_refs uuid[]) RETURNS hallpass.resource
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_found hallpass.resource;
    v_count integer := 0;
BEGIN
    FOR v_found IN
        SELECT * FROM hallpass.resource r
        WHERE r.compartment = p_compartment AND r.id = ANY (p_refs) AND r.type = 'ServiceRequest' AND r.current
          AND NOT r.deleted AND r.custodian = p_custodian
        LIMIT 2
    LOOP
        v_count := v_count + 1;
    END LOOP;
    RETURN CASE WHEN v_count = 1 THEN v_found END;
END $$;
COMMENT ON FUNCTION hallpass.referral_of IS
    'The one current referral of a custodian among what a Task refers to; NULL where there is none or are several.';
