CREATE TABLE hallpass.custody_count (
    custodian uuid NOT NULL,
    type      text COLLATE "C" NOT NULL,
    records   bigint NOT NULL                -- more, or fewer
);
CREATE INDEX custody_count_sum ON hallpass.custody_count (custodian, type) INCLUDE (records);
COMMENT ON TABLE hallpass.custody_count IS
    'How many current records of a type an organization holds, as changes to be summed: exact in every snapshot, and no
     write waits for another. The worker folds them.';
ALTER TABLE hallpass.custody_count ENABLE ROW LEVEL SECURITY;
