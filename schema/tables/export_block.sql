CREATE TABLE hallpass.export_block (
    export uuid NOT NULL REFERENCES hallpass.export ON DELETE CASCADE,
    series text COLLATE "C" NOT NULL,
    after  bigint NOT NULL,                  -- its lines: those behind this one,
    last   bigint NOT NULL,                  -- up to this one
    PRIMARY KEY (export, series, after)
);
COMMENT ON TABLE hallpass.export_block IS
    'Which lines of an export have their records kept in the export store (HALLPASS_EXPORT_STORE), sealed.';
ALTER TABLE hallpass.export_block ENABLE ROW LEVEL SECURITY;
