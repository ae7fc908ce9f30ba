CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.release
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('release');
