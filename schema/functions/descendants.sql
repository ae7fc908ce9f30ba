CREATE OR REPLACE FUNCTION hallpass.descendants() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.descendants', true), ''), '{}')::uuid[] $$;
