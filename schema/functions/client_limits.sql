CREATE OR REPLACE FUNCTION hallpass.client_limits() RETURNS TABLE (client text, rate integer, running integer, logins integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT l.client, l.rate, l.running, l.logins FROM client_limit l
$$;
COMMENT ON FUNCTION hallpass.client_limits IS 'The limits of clients that have their own: numbers, and nothing about a record.';
