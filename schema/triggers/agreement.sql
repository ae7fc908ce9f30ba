CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.agreement
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('agreement');
