CREATE TABLE hallpass.worker (
    id      uuid PRIMARY KEY,
    host    text NOT NULL,
    started timestamptz NOT NULL DEFAULT now(),
    seen    timestamptz NOT NULL DEFAULT now()            -- its last sign of life
);
COMMENT ON TABLE hallpass.worker IS 'The workers that run, by their signs of life.';
