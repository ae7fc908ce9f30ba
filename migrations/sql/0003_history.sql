-- History of types and of the whole server: indexes that find versions, newest first, by what opens them.

CREATE INDEX resource_custody ON hallpass.resource (custodian, type, updated DESC, id DESC, version DESC);
CREATE INDEX resource_directory_history ON hallpass.resource (type, updated DESC, id DESC, version DESC)
    WHERE directory;
CREATE INDEX resource_parties ON hallpass.resource USING gin (parties) WHERE parties <> '{}';
CREATE INDEX release_recipients ON hallpass.release USING gin (recipients);
CREATE INDEX emergency_organization ON hallpass.emergency (organization);

CREATE FUNCTION hallpass.reached() RETURNS TABLE (shard uuid, custodian uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT e.shard, e.custodian FROM release e
    WHERE e.recipients && above() AND in_force(e, above())
    UNION
    SELECT m.shard, NULL FROM emergency m
    WHERE emergency() AND m.organization = caller() AND m.opens <= moment() AND moment() < m.closes
$$;
COMMENT ON FUNCTION hallpass.reached IS
    'The students of whom a release in force, or a broken glass, may open something to the caller, and whose records
     (NULL: of any custodian). Each version is judged by itself all the same.';

CREATE FUNCTION hallpass.party_versions(p_types text[]) RETURNS TABLE (shard uuid, id uuid, version integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    SELECT r.shard, r.id, r.version FROM resource r
    WHERE r.parties <> '{}' AND r.parties && above() AND r.type = ANY (p_types) AND NOT r.custodian = ANY (below())
$$;
COMMENT ON FUNCTION hallpass.party_versions IS
    'The versions of others'' resources that the caller sees as a party, for the history of a type.';
