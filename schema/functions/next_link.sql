CREATE OR REPLACE FUNCTION hallpass.next_link(before bytea, entries bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT sha256(coalesce(before, ''::bytea) || coalesce(entries, ''::bytea)) $$;
COMMENT ON FUNCTION hallpass.next_link IS 'The link of a batch with these entries, behind the one before.';
