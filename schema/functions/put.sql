CREATE OR REPLACE FUNCTION hallpass.put(p_row hallpass.resource_version, p_terms jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_row.version > 1 THEN
        UPDATE hallpass.resource r SET current = false WHERE r.compartment = p_row.compartment AND r.id = p_row.id AND r.current;
    END IF;
    INSERT INTO hallpass.resource (compartment, id, version, type, custodian, student, directory, current, deleted,
                                   updated, method, body, label_at, digest, profiles, codes, confidentiality, labels,
                                   parties, refs, authors, clinical)
        SELECT p_row.*;
    IF NOT p_row.directory THEN
        PERFORM hallpass.index_resource(p_row.compartment, p_row.id);
    END IF;
    PERFORM hallpass.put_terms(p_row.compartment, p_row.id, p_row.type, p_terms, p_row.version > 1);
END $$;
COMMENT ON FUNCTION hallpass.put IS
    'Stores a version as the current one, and brings both indexes up to date with it. An invoker''s function: the wall
     judges what it writes.';
