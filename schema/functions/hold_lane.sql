CREATE OR REPLACE FUNCTION hallpass.hold_lane() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    c_lanes CONSTANT integer := 1024;        -- many, and any of them: ends that are written seldom stay small
    v_lane  integer := floor(random() * c_lanes);
BEGIN
    FOR v_try IN 1..c_lanes LOOP
        IF pg_try_advisory_xact_lock(1, v_lane) THEN
            RETURN v_lane;
        END IF;
        v_lane := (v_lane + 1) % c_lanes;
    END LOOP;
    RAISE EXCEPTION 'all lanes of the ledger are taken' USING ERRCODE = '55P03';
END $$;
COMMENT ON FUNCTION hallpass.hold_lane IS
    'A lane of the ledger in which nobody else enters until the end of this transaction. It waits for nobody.';
