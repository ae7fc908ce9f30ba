CREATE TABLE hallpass.community_report (
    organization uuid NOT NULL,
    month        text NOT NULL,                    -- 2026-09
    whole        boolean NOT NULL,                 -- with its parts; otherwise its share alone, as it stands in what they publish
    at           timestamptz NOT NULL,
    client       text NOT NULL,                    -- who published it
    body         bytea NOT NULL,                   -- the MeasureReport
    PRIMARY KEY (organization, month, whole)
);
COMMENT ON TABLE hallpass.community_report IS
    'What organizations have published of their referrals: each month once, since two answers about one could be subtracted.';
ALTER TABLE hallpass.community_report ENABLE ROW LEVEL SECURITY;
