CREATE OR REPLACE TRIGGER note_ending AFTER UPDATE ON hallpass.organization
    FOR EACH ROW
    WHEN (OLD.ancestors <> NEW.ancestors OR OLD.honor AND NOT NEW.honor OR NOT OLD.classes <@ NEW.classes)
    EXECUTE FUNCTION hallpass.note_ending('organization');
