-- Counts the statements that write records, so that a worker knows without looking that there is nothing new.
CREATE SEQUENCE hallpass.write_count;
CREATE TABLE hallpass.subscription (
    id            uuid PRIMARY KEY,                -- the Subscription's
    custodian     uuid NOT NULL,
    client        text NOT NULL,                   -- for whom it is judged what is visible, with
    purposes      text[] NOT NULL,                 -- the purposes of its token when it subscribed, and
    scopes        text[] NOT NULL,                 -- its scopes
    status        text NOT NULL,                   -- requested, active, error, off
    ends          timestamptz,
    heartbeat     integer,                         -- seconds
    headers       text,                            -- of its channel, sealed by HALLPASS_KEY
    events        bigint NOT NULL DEFAULT 0,       -- the last number given
    sent          bigint NOT NULL DEFAULT 0,       -- the last number that the endpoint took
    -- where it is in the feed of what is written and becomes visible (docs/decisions/0031-feed.md)
    since         timestamptz,                     -- NULL: what is visible at the start is not counted yet
    told          timestamptz,
    walk          timestamptz,                     -- when the walk under way began; NULL: none is
    horizon       timestamptz,
    after_at      timestamptz,
    after_id      uuid,
    after_version integer,
    counted       bigint NOT NULL DEFAULT 0,       -- hallpass.write_count when the walk began
    seen          bigint NOT NULL DEFAULT 0,       -- up to which write_count everything is walked
    walked        timestamptz NOT NULL DEFAULT '-infinity',
    error         text,
    failures      integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    next_try      timestamptz NOT NULL DEFAULT now(),
    lease         timestamptz,                     -- until when a worker has it to itself
    last_sent     timestamptz
);
COMMENT ON TABLE hallpass.subscription IS 'How far each Subscription is: what it was told, and what is to be sent again.';
CREATE INDEX subscription_due ON hallpass.subscription (next_try) WHERE status IN ('requested', 'active');
ALTER TABLE hallpass.subscription ENABLE ROW LEVEL SECURITY;
