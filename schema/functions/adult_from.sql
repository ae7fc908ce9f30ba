CREATE OR REPLACE FUNCTION hallpass.adult_from(e hallpass.release, s hallpass.student) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN e.born_to IS NULL THEN least(s.emancipated, CASE WHEN e.education THEN s.enrolled END) END
$$;
COMMENT ON FUNCTION hallpass.adult_from IS
    'From when a student signs as an adult whatever the age, for such a release; NULL: from 18. What another organization
     recorded does not count.';
