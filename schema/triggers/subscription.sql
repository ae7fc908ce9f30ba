CREATE OR REPLACE TRIGGER note_ending AFTER DELETE ON hallpass.subscription
    FOR EACH ROW EXECUTE FUNCTION hallpass.note_ending('subscription');
CREATE OR REPLACE TRIGGER note_off AFTER UPDATE ON hallpass.subscription
    FOR EACH ROW WHEN (OLD.status <> 'off' AND NEW.status = 'off') EXECUTE FUNCTION hallpass.note_ending('subscription');
