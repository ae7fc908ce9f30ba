CREATE OR REPLACE FUNCTION hallpass.lock_chain() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    c_chains CONSTANT integer := 1024;        -- many, and any of them: ends that are written seldom stay small
    v_chain  integer := floor(random() * c_chains);
BEGIN
    FOR v_try IN 1..c_chains LOOP
        IF pg_try_advisory_xact_lock(1, v_chain) THEN
            RETURN v_chain;
        END IF;
        v_chain := (v_chain + 1) % c_chains;
    END LOOP;
    RAISE EXCEPTION 'all chains of the ledger are taken' USING ERRCODE = '55P03';
END $$;
COMMENT ON FUNCTION hallpass.lock_chain IS
    'A chain of the ledger in which nobody else enters until the end of this transaction. It waits for nobody.';
