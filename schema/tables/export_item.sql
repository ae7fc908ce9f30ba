CREATE TABLE hallpass.export_item (
    export      uuid NOT NULL REFERENCES hallpass.export ON DELETE CASCADE,
    series      text COLLATE "C" NOT NULL,   -- the type; '' where an export is organized by patient; 'deleted'
    n           bigint NOT NULL,             -- its line in the series, from 1
    compartment uuid NOT NULL,
    id          uuid NOT NULL,
    version     integer NOT NULL,
    type        text COLLATE "C" NOT NULL,
    PRIMARY KEY (export, series, n),
    UNIQUE (export, id)
);
COMMENT ON TABLE hallpass.export_item IS
    'Which versions an export holds: names alone. Whether one still may leave is judged when its line does.';
ALTER TABLE hallpass.export_item ENABLE ROW LEVEL SECURITY;
