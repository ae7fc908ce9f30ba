CREATE OR REPLACE FUNCTION hallpass.acting() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(hallpass.caller(), nullif(current_setting('hallpass.operator_for', true), '')::uuid)
$$;
COMMENT ON FUNCTION hallpass.acting IS 'The caller''s organization, or the one on whose behalf the operator acts.';
