CREATE OR REPLACE FUNCTION hallpass.glass_broken(r_compartment uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM emergency e WHERE e.compartment = r_compartment AND e.organization = caller()
                   AND e.opens <= statement_time() AND statement_time() < e.closes)
$$;
