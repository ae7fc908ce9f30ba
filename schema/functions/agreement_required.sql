CREATE OR REPLACE FUNCTION hallpass.agreement_required() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('hallpass.agreement_required', true), ''), 'true')::boolean $$;
