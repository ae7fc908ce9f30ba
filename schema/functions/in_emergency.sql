CREATE OR REPLACE FUNCTION hallpass.in_emergency(r_type text, r_labels text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT NOT r_type IN ('Consent', {live_types}) AND NOT r_labels && '{PSYTHPN,42CFRPart2}' $$;
COMMENT ON FUNCTION hallpass.in_emergency IS
    'Whether a record is one that a broken glass opens. What is covered where another record is (a Task, a Binary) is not: its
     own labels do not tell what the other has.';
