CREATE OR REPLACE FUNCTION hallpass.try_lock_compartments(p_compartments uuid[]) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    v_held  boolean[] := '{}';
    v_still boolean := pg_try_advisory_xact_lock_shared(0);
    v_compartment uuid;
BEGIN
    FOREACH v_compartment IN ARRAY p_compartments LOOP
        v_held := v_held || (v_still AND (v_compartment IS NULL OR pg_try_advisory_xact_lock_shared(
            hashtextextended(v_compartment::text, 0))));
    END LOOP;
    RETURN v_held;
END $$;
COMMENT ON FUNCTION hallpass.try_lock_compartments IS
    'Takes the compartments'' locks as `hold` does, shared, without waiting: false where a write holds one.';
