CREATE OR REPLACE FUNCTION hallpass.below() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.below', true), ''), '{}')::uuid[] $$;
