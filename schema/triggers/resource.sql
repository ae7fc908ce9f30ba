CREATE OR REPLACE TRIGGER count_custody AFTER INSERT ON hallpass.resource REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hallpass.count_custody();
