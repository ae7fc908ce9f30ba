CREATE TABLE hallpass.withheld (
    custodian   uuid NOT NULL,               -- whose record it is, and who alone reads this
    at          timestamptz NOT NULL,
    export      uuid NOT NULL,
    id          uuid NOT NULL,
    version     integer NOT NULL,
    type        text COLLATE "C" NOT NULL,
    compartment uuid NOT NULL,
    recipient   uuid NOT NULL,               -- the organization of the client that fetched
    purposes    text[] NOT NULL,             -- that its token asserted
    PRIMARY KEY (export, id)
);
CREATE INDEX withheld_custodian ON hallpass.withheld (custodian, at, export, id);
COMMENT ON TABLE hallpass.withheld IS
    'Lines of bulk exports that were chosen and left out when their file was fetched: for the custodian, never the recipient.';
ALTER TABLE hallpass.withheld ENABLE ROW LEVEL SECURITY;
