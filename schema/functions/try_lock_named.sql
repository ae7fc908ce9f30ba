CREATE OR REPLACE FUNCTION hallpass.try_lock_named(p_types text[], p_ids uuid[]) RETURNS boolean[]
    LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT try_lock_compartments(array_agg((SELECT r.compartment FROM resource r WHERE r.id = k.id AND r.type = k.type AND NOT r.directory
                               LIMIT 1) ORDER BY k.n))
    FROM unnest(p_types, p_ids) WITH ORDINALITY AS k(type, id, n)
$$;
COMMENT ON FUNCTION hallpass.try_lock_named IS
    'As `try_lock_compartments`, of the compartments that these resources are in; which those are is not said. True where there is none.';
