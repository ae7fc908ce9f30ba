-- The caller is a set of transaction-local settings that only hallpass.set_caller fills. With none set, caller, above, below
-- and purposes answer NULL or an empty array, every policy is false, and the application's role reads no rows.
CREATE OR REPLACE FUNCTION hallpass.caller() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hallpass.organization', true), '')::uuid $$;
