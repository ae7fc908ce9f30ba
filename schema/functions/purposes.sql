CREATE OR REPLACE FUNCTION hallpass.purposes() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.purposes', true), ''), '{}')::text[] $$;
