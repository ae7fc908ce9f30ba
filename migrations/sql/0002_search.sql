-- The search index: the terms of the current version of each resource (app/store/terms_tables.py).

CREATE TABLE hallpass.term_token (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    system TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_token_code ON hallpass.term_token (type, param, code, system);
CREATE STATISTICS hallpass.term_token_values (mcv, dependencies) ON type, param, code FROM hallpass.term_token;

CREATE TABLE hallpass.term_string (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL,
    exact TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_string_folded ON hallpass.term_string (type, param, folded);

CREATE TABLE hallpass.term_reference (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    target_type TEXT COLLATE "C" NOT NULL,
    target UUID,
    url TEXT COLLATE "C" NOT NULL,
    system TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_reference_code ON hallpass.term_reference (code, type, param) WHERE code <> '';
CREATE INDEX term_reference_target ON hallpass.term_reference (target, type, param) WHERE target IS NOT NULL;
CREATE INDEX term_reference_url ON hallpass.term_reference (url, type, param) WHERE url <> '';

CREATE TABLE hallpass.term_date (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    lower TIMESTAMP WITH TIME ZONE NOT NULL,
    upper TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_date_lower ON hallpass.term_date (type, param, lower);
CREATE INDEX term_date_upper ON hallpass.term_date (type, param, upper);

CREATE TABLE hallpass.term_quantity (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    low NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    system TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_quantity_low ON hallpass.term_quantity (type, param, low);

CREATE TABLE hallpass.term_uri (
    shard UUID NOT NULL,
    id UUID NOT NULL,
    param TEXT COLLATE "C" NOT NULL,
    n INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, id, param, n)
);
CREATE INDEX term_uri_value ON hallpass.term_uri (type, param, value);

-- A term is seen by whom the access index, or the directory, opens its resource to. What is found by a term is read
-- from hallpass.resource all the same, where the whole rule is checked; this keeps the terms themselves from telling.

ALTER TABLE hallpass.term_token ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_token FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_token.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_token.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_token.shard AND r.id = term_token.id AND r.directory)));
GRANT SELECT ON hallpass.term_token TO hallpass_app;

ALTER TABLE hallpass.term_string ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_string FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_string.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_string.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_string.shard AND r.id = term_string.id AND r.directory)));
GRANT SELECT ON hallpass.term_string TO hallpass_app;

ALTER TABLE hallpass.term_reference ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_reference FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_reference.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_reference.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_reference.shard AND r.id = term_reference.id AND r.directory)));
GRANT SELECT ON hallpass.term_reference TO hallpass_app;

ALTER TABLE hallpass.term_date ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_date FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_date.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_date.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_date.shard AND r.id = term_date.id AND r.directory)));
GRANT SELECT ON hallpass.term_date TO hallpass_app;

ALTER TABLE hallpass.term_quantity ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_quantity FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_quantity.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_quantity.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_quantity.shard AND r.id = term_quantity.id AND r.directory)));
GRANT SELECT ON hallpass.term_quantity TO hallpass_app;

ALTER TABLE hallpass.term_uri ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON hallpass.term_uri FOR SELECT USING (
    EXISTS (SELECT 1 FROM hallpass.access a WHERE a.shard = term_uri.shard AND a.org = (SELECT hallpass.caller())
            AND a.id = term_uri.id)
    OR (shard = id AND (SELECT hallpass.caller()) IS NOT NULL
        AND EXISTS (SELECT 1 FROM hallpass.resource r WHERE r.shard = term_uri.shard AND r.id = term_uri.id AND r.directory)));
GRANT SELECT ON hallpass.term_uri TO hallpass_app;

CREATE FUNCTION hallpass.put_terms(p_shard uuid, p_id uuid, p_type text, p_terms jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM resource r WHERE r.shard = p_shard AND r.id = p_id AND r.current
                   AND (r.custodian = ANY (below()) OR (r.type = 'Task' AND r.parties && above()))) THEN
        RAISE EXCEPTION 'only who writes a resource writes its terms';
    END IF;
    DELETE FROM term_token t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_token (shard, id, type, param, n, system, code)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.system, x.code
        FROM jsonb_to_recordset(p_terms -> 'term_token') AS x(param text, system text, code text);
    DELETE FROM term_string t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_string (shard, id, type, param, n, folded, exact)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.folded, x.exact
        FROM jsonb_to_recordset(p_terms -> 'term_string') AS x(param text, folded text, exact text);
    DELETE FROM term_reference t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_reference (shard, id, type, param, n, target_type, target, url, system, code)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.target_type, x.target, x.url, x.system, x.code
        FROM jsonb_to_recordset(p_terms -> 'term_reference') AS x(param text, target_type text, target uuid, url text, system text, code text);
    DELETE FROM term_date t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_date (shard, id, type, param, n, lower, upper)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.lower, x.upper
        FROM jsonb_to_recordset(p_terms -> 'term_date') AS x(param text, lower timestamp with time zone, upper timestamp with time zone);
    DELETE FROM term_quantity t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_quantity (shard, id, type, param, n, low, high, system, code, unit)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.low, x.high, x.system, x.code, x.unit
        FROM jsonb_to_recordset(p_terms -> 'term_quantity') AS x(param text, low numeric, high numeric, system text, code text, unit text);
    DELETE FROM term_uri t WHERE t.shard = p_shard AND t.id = p_id;
    INSERT INTO term_uri (shard, id, type, param, n, value)
        SELECT p_shard, p_id, p_type, x.param, row_number() OVER (PARTITION BY x.param), x.value
        FROM jsonb_to_recordset(p_terms -> 'term_uri') AS x(param text, value text);
END $$;
COMMENT ON FUNCTION hallpass.put_terms IS 'Replaces the terms of a resource; an empty object takes them away.';
