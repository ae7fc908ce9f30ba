CREATE OR REPLACE TRIGGER note_ending AFTER UPDATE ON hallpass.client
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('client');
