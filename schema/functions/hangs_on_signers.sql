CREATE OR REPLACE FUNCTION hallpass.hangs_on_signers(r_labels text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT r_labels && '{42CFRPart2,minor-signs,both-sign}'::text[]
$$;
COMMENT ON FUNCTION hallpass.hangs_on_signers IS
    'Whether it depends on who signed a release that it opens a record with these labels: then the access index settles
     nothing, and the rule is asked live.';
