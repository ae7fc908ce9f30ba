CREATE OR REPLACE TRIGGER count_custody AFTER INSERT ON hallpass.resource REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hallpass.count_custody();
CREATE OR REPLACE TRIGGER note_closed_records AFTER INSERT ON hallpass.resource REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hallpass.note_closed_records();
