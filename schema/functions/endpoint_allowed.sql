CREATE OR REPLACE FUNCTION hallpass.endpoint_allowed(p_endpoint text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM endpoint e WHERE e.organization = ANY (ancestors())
                   AND (p_endpoint = e.prefix OR starts_with(p_endpoint, rtrim(e.prefix, '/') || '/')))
$$;
COMMENT ON FUNCTION hallpass.endpoint_allowed IS
    'Whether the operator lets the caller''s organization, or one above it, send notifications to an endpoint.';
