CREATE OR REPLACE FUNCTION hallpass.share_usage(p_clients text[], p_bytes bigint[])
    RETURNS TABLE (client text, bytes bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    INSERT INTO client_usage AS u SELECT k.client, date_trunc('hour', instant()), k.bytes
        FROM unnest(p_clients, p_bytes) AS k(client, bytes) ORDER BY k.client
        ON CONFLICT ON CONSTRAINT client_usage_pkey DO UPDATE SET bytes = u.bytes + EXCLUDED.bytes;
    DELETE FROM client_usage u WHERE u.hour < instant() - interval '2 days';
    RETURN QUERY SELECT u.client, sum(u.bytes)::bigint FROM client_usage u
        WHERE u.hour > instant() - interval '1 day' GROUP BY u.client;
END $$;
COMMENT ON FUNCTION hallpass.share_usage IS
    'Adds what a process counted since it last said so, and tells what each client has stored within a day.';
