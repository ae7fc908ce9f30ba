CREATE TABLE hallpass.export (
    id           uuid PRIMARY KEY,
    client       text NOT NULL,              -- who asked, and alone may fetch
    reader       text COLLATE "C" NOT NULL,  -- hallpass.feed_reader: who follows its feed
    request      text NOT NULL,              -- the kick-off's URL
    asked        jsonb NOT NULL,             -- app.exchange.bulk.asked.Asked
    feed         text COLLATE "C" NOT NULL,  -- what its client follows: the same request at another time is the same feed
    status       text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'choosing', 'complete', 'failed', 'canceled')),
    at           timestamptz,                -- as hallpass.feed_begin has them, once choosing began
    horizon      timestamptz,
    told         timestamptz,
    students     integer NOT NULL DEFAULT 0, -- whose records may be in it
    done         integer NOT NULL DEFAULT 0, -- for how many of these it is chosen
    unseen       text[] NOT NULL DEFAULT '{}', -- references asked for that lead to nothing that the client sees
    created      timestamptz NOT NULL,
    ended        timestamptz
);
CREATE UNIQUE INDEX export_running ON hallpass.export (client) WHERE status IN ('accepted', 'choosing');
CREATE INDEX export_ended ON hallpass.export (ended);
COMMENT ON TABLE hallpass.export IS
    'A bulk export: what was asked, and how far its choice has come. Its files are read from the records when fetched.';
ALTER TABLE hallpass.export ENABLE ROW LEVEL SECURITY;
