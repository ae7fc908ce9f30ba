CREATE OR REPLACE TRIGGER note_ending AFTER DELETE OR UPDATE ON hallpass.authority
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('authority');
