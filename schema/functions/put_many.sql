CREATE OR REPLACE FUNCTION hallpass.put_many(p_rows hallpass.resource_version[], p_terms jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_records   uuid[];
    v_students  uuid[];
    v_all       uuid[];
    v_places    uuid[];
    v_replace   boolean;
BEGIN
    SELECT array_agg(n.compartment), array_agg(n.id), coalesce(bool_or(n.version > 1), false),
           array_agg(n.compartment) FILTER (WHERE NOT n.directory), array_agg(n.id) FILTER (WHERE NOT n.directory)
        INTO v_places, v_all, v_replace, v_students, v_records
        FROM unnest(p_rows) n;
    IF v_replace THEN
        UPDATE hallpass.resource r SET current = false FROM unnest(v_places, v_all) k(compartment, id)
            WHERE r.compartment = k.compartment AND r.id = k.id AND r.current;
    END IF;
    INSERT INTO hallpass.resource (compartment, id, version, type, custodian, student, directory, current, deleted,
                                   updated, method, body, label_at, digest, profiles, codes, confidentiality, labels,
                                   parties, refs, authors, clinical)
        SELECT n.* FROM unnest(p_rows) n;
    IF v_records IS NOT NULL THEN
        PERFORM hallpass.index_records(v_students, v_records);
    END IF;
    PERFORM hallpass.put_terms(v_places, v_all, p_terms, v_replace);
END $$;
COMMENT ON FUNCTION hallpass.put_many IS
    'Stores versions of different records as the current ones, and brings both indexes up to date with them, all in a few
     statements whatever their number. `p_terms` holds a list for each kind of term, with a list of terms for each row. An
     invoker''s function: the wall judges what it writes.';
