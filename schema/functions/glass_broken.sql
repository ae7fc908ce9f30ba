CREATE OR REPLACE FUNCTION hallpass.glass_broken(r_shard uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM emergency e WHERE e.shard = r_shard AND e.organization = caller()
                   AND e.opens <= moment() AND moment() < e.closes)
$$;
