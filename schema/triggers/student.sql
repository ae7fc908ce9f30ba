CREATE OR REPLACE TRIGGER note_ending AFTER DELETE OR UPDATE ON hallpass.student
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('student');
