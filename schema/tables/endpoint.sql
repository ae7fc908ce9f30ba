CREATE TABLE hallpass.endpoint (
    organization uuid NOT NULL REFERENCES hallpass.organization,
    prefix       text NOT NULL,                    -- an https URL that endpoints begin with, or mailto: and an address
    allowed      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization, prefix)
);
COMMENT ON TABLE hallpass.endpoint IS 'Where the operator lets the Subscriptions of an organization send to.';
ALTER TABLE hallpass.endpoint ENABLE ROW LEVEL SECURITY;
