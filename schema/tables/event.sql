CREATE TABLE hallpass.event (
    minute       timestamptz NOT NULL,       -- alike events of a minute are one row
    id           uuid NOT NULL DEFAULT gen_random_uuid(),
    kind         text NOT NULL CHECK (kind IN ('login', 'token', 'scope', 'emergency', 'command', 'query', 'access')),
    organization uuid NOT NULL,              -- that the event concerns: the client's
    client       text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('0', '4', '8')),
    detail       text NOT NULL,              -- a code or scope of ours; of a query its text; of an access what was looked at
    first        timestamptz NOT NULL,
    last         timestamptz NOT NULL,
    times        bigint NOT NULL,
    PRIMARY KEY (organization, minute, kind, client, outcome, detail)
);
CREATE UNIQUE INDEX event_id ON hallpass.event (id);
CREATE INDEX event_minute ON hallpass.event USING brin (minute);
CREATE INDEX event_first ON hallpass.event (organization, first);
ALTER TABLE hallpass.event ENABLE ROW LEVEL SECURITY;
