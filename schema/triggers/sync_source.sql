CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.sync_source
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('sync_source');
