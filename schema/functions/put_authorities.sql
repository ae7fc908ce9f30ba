CREATE OR REPLACE FUNCTION hallpass.put_authorities(
    p_compartments uuid[], p_ids uuid[], p_custodians uuid[], p_opens timestamptz[], p_closes timestamptz[],
    p_adult boolean[], p_new boolean[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        WITH k AS MATERIALIZED (
            SELECT * FROM unnest(p_compartments, p_ids, p_custodians, p_opens, p_closes, p_adult, p_new)
                k(compartment, id, custodian, opens, closes, adult, new)
        ), gone AS (
            DELETE FROM hallpass.authority a USING k
            WHERE a.compartment = k.compartment AND a.id = k.id AND k.opens IS NULL
            RETURNING a.compartment, a.id
        ), made AS (
            INSERT INTO hallpass.authority AS a (compartment, id, custodian, opens, closes, adult)
                SELECT k.compartment, k.id, k.custodian, k.opens, k.closes, k.adult FROM k WHERE k.opens IS NOT NULL
            ON CONFLICT (compartment, id) DO UPDATE SET opens = EXCLUDED.opens, closes = EXCLUDED.closes, adult = EXCLUDED.adult
                WHERE (a.opens, a.closes, a.adult) IS DISTINCT FROM (EXCLUDED.opens, EXCLUDED.closes, EXCLUDED.adult)
            RETURNING a.compartment, a.id
        )
        SELECT DISTINCT k.compartment, k.custodian FROM k JOIN (TABLE gone UNION ALL TABLE made) c USING (compartment, id)
        WHERE NOT k.new
    LOOP
        PERFORM set_config('synchronous_commit', 'remote_apply', true);  -- no standby serves what this ends
        PERFORM hallpass.refresh_validity(v_changed.compartment, v_changed.custodian);
    END LOOP;
END $$;
COMMENT ON FUNCTION hallpass.put_authorities IS
    'Keeps what releases need of RelatedPersons: the window of their authority; NULL: they have none. `p_new`: no release
     can rest on the person yet. An invoker''s function.';
