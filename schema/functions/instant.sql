CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;
COMMENT ON FUNCTION hallpass.instant() IS 'The wall clock, by which the ledger dates its entries.';
