CREATE OR REPLACE FUNCTION hallpass.sees_as_party(r_type text, r_parties uuid[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT r_type IN ({party_written_types}) AND r_parties && hallpass.ancestors()
$$;
COMMENT ON FUNCTION hallpass.sees_as_party IS
    'Whether the caller sees a resource since it is named in it. Of types that parties write into, being one decides
     only what may be written.';
