CREATE TYPE hallpass.job_status AS ENUM ('queued', 'picked', 'successful', 'exception', 'canceled', 'deleted', 'failed');
COMMENT ON TYPE hallpass.job_status IS 'pgqueuer''s states of a job.';
