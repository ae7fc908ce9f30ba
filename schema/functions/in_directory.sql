CREATE OR REPLACE FUNCTION hallpass.in_directory(type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT type IN ({directory_types})
$$;
COMMENT ON FUNCTION hallpass.in_directory IS 'Whether resources of a type are of the directory, which every member sees.';
