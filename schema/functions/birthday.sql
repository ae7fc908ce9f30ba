CREATE OR REPLACE FUNCTION hallpass.birthday(born date, age integer, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- Of a midnight that the clock shows twice PostgreSQL takes the second; an hour after 23:00 is the first.
    -- The day after 28 February is 29 February where the year has one, else 1 March.
    SELECT least(day AT TIME ZONE zone, (day - interval '1 hour') AT TIME ZONE zone + interval '1 hour')
    FROM (SELECT CASE WHEN extract(month FROM born) = 2 AND extract(day FROM born) = 29
                 THEN born - 1 + make_interval(years => age) + interval '1 day'
                 ELSE born + make_interval(years => age) END AS day) d
$$;
COMMENT ON FUNCTION hallpass.birthday IS
    'The first moment of the day on which one born on that day reaches an age.';
