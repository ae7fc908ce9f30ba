CREATE TABLE hallpass.subscription_event (
    subscription uuid NOT NULL REFERENCES hallpass.subscription ON DELETE CASCADE,
    number       bigint NOT NULL,
    at           timestamptz NOT NULL,
    type         text NOT NULL,
    id           uuid NOT NULL,
    version      integer NOT NULL,
    PRIMARY KEY (subscription, number)
);
COMMENT ON TABLE hallpass.subscription_event IS 'The events of each Subscription by number, for what is sent again and for $events.';
ALTER TABLE hallpass.subscription_event ENABLE ROW LEVEL SECURITY;
