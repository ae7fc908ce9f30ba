CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.transfer
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('transfer');
