CREATE OR REPLACE FUNCTION hallpass.emergency() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.emergency', true), ''), 'false')::boolean $$;
