CREATE TABLE hallpass.client_limit (
    client  text PRIMARY KEY REFERENCES hallpass.client,
    rate    integer CHECK (rate > 0),        -- requests in a second, over time; NULL: as the settings say
    running integer CHECK (running > 0),     -- requests that one process works on at once
    logins  integer CHECK (logins > 0)       -- tokens in a second, over time
);
COMMENT ON TABLE hallpass.client_limit IS 'What the operator lets one client ask, where that differs from what the settings say.';
ALTER TABLE hallpass.client_limit ENABLE ROW LEVEL SECURITY;
