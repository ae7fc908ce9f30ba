CREATE OR REPLACE FUNCTION hallpass.lock_compartments(p_compartments uuid[], p_exclusive boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_compartment uuid;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(0);  -- organizations, agreements, clients and tokens stand still meanwhile
    FOR v_compartment IN SELECT DISTINCT s FROM unnest(p_compartments) s ORDER BY s LOOP
        IF p_exclusive THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(v_compartment::text, 0));
        ELSE
            PERFORM pg_advisory_xact_lock_shared(hashtextextended(v_compartment::text, 0));
        END IF;
    END LOOP;
    RETURN CASE WHEN p_exclusive THEN hallpass.stamp() ELSE hallpass.instant() END;
END $$;
COMMENT ON FUNCTION hallpass.lock_compartments IS
    'Takes the compartments'' locks in one order: exclusive to write, shared to disclose, so that a disclosure and the
     write that ends its release have an order. Answers the time after the wait: what is written has no earlier one.';
