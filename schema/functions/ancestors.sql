CREATE OR REPLACE FUNCTION hallpass.ancestors() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.ancestors', true), ''), '{}')::uuid[] $$;
