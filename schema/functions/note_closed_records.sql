CREATE OR REPLACE FUNCTION hallpass.note_closed_records() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM witness_check) THEN
        INSERT INTO ending (kind, was)
            SELECT 'record', jsonb_build_object('type', n.type, 'id', n.id, 'custodian', n.custodian, 'deleted', n.deleted)
            FROM new_rows n JOIN resource b ON b.compartment = n.compartment AND b.id = n.id AND b.version = n.version - 1
            WHERE NOT n.directory AND NOT b.deleted
              AND (n.deleted OR n.confidentiality > b.confidentiality OR NOT n.labels <@ b.labels);
        IF FOUND AND database_is_current() THEN
            RAISE NOTICE USING MESSAGE = pg_current_xact_id()::text, ERRCODE = '00W01';  -- app/db/driver.py waits
        END IF;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hallpass.note_closed_records IS 'Notes for the witness which records were deleted or got a stricter label.';
