CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.endpoint
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('endpoint');
