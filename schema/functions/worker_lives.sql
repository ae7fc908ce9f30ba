CREATE OR REPLACE FUNCTION hallpass.worker_lives() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM hallpass.worker w WHERE w.seen > now() - interval '30 seconds')
$$;
COMMENT ON FUNCTION hallpass.worker_lives IS 'Whether a worker gave a sign of life lately: they give one every five seconds.';
