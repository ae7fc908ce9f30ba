CREATE OR REPLACE FUNCTION hallpass.note_ending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM witness_check) THEN
        INSERT INTO ending (kind, was)
            VALUES (TG_ARGV[0], CASE WHEN TG_ARGV[0] IN ('client', 'organization') THEN to_jsonb(NEW)
                WHEN TG_ARGV[0] IN ('transfer', 'subscription') THEN jsonb_build_object('id', to_jsonb(OLD) -> 'id')
                WHEN TG_ARGV[0] = 'sync_source' THEN jsonb_build_object('name', to_jsonb(OLD) -> 'name')
                ELSE to_jsonb(OLD) - 'sealed' END);
        IF database_is_current() THEN
            RAISE NOTICE USING MESSAGE = pg_current_xact_id()::text, ERRCODE = '00W01';  -- app/db/driver.py waits
        END IF;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hallpass.note_ending IS 
    'Notes for the witness that a row which opens something is gone or changed. A sealed secret stays out of it.';
