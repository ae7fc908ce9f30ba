CREATE OR REPLACE FUNCTION hallpass.part2_age(p_state text, p_on date) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT max(j.age) FROM (VALUES {part2_rows}) j(state, age, since, until)
    WHERE j.state = p_state AND j.since <= p_on AND (j.until IS NULL OR p_on < j.until)
$$;
COMMENT ON FUNCTION hallpass.part2_age IS
    'The age from which a minor is treated for substance use alone in a state; NULL where no row says so. The rows are
     those of app/consent/jurisdictions.json.';
