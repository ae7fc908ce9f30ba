CREATE OR REPLACE FUNCTION hallpass.birthday(born date, age integer, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- Of a midnight that the clock shows twice PostgreSQL takes the second; an hour after 23:00 is the first.
    SELECT least((born + make_interval(years => age))::timestamp AT TIME ZONE zone,
                 ((born + make_interval(years => age))::timestamp - interval '1 hour') AT TIME ZONE zone
                     + interval '1 hour')
$$;
COMMENT ON FUNCTION hallpass.birthday IS
    'The first moment of the day on which one born on that day reaches an age.';
