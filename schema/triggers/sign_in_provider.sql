CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.sign_in_provider
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('provider');
