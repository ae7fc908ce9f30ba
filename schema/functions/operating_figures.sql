CREATE OR REPLACE FUNCTION hallpass.operating_figures() RETURNS TABLE (name text, help text, value double precision)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES
    ('organizations', 'Members and their departments.', (SELECT count(*)::double precision FROM hallpass.organization)),
    ('clients', 'Clients that are not disabled.', (SELECT count(*) FROM hallpass.client WHERE disabled IS NULL)),
    ('releases', 'Signed releases whose period covers now.',
        (SELECT count(*) FROM hallpass.release WHERE opens <= now() AND now() < closes)),
    ('releases_ending_30_days', 'Of these, how many end within 30 days.',
        (SELECT count(*) FROM hallpass.release WHERE opens <= now() AND now() < closes AND closes < now() + interval '30 days')),
    ('ledger_batches', 'Batches that the ledger holds.', (SELECT coalesce(sum(n), 0) FROM hallpass.chain_end)),
    ('index_backlog', 'Students whose ended releases are still to be cleared from the index.',
        (SELECT count(*) FROM hallpass.index_backlog)),
    ('worker_lives', '1: a worker gave a sign of life lately. 0: nothing is tidied, and nobody is notified.',
        (SELECT hallpass.worker_lives()::integer)),
    ('jobs_waiting', 'Background jobs that are due and wait.',
        (SELECT count(*) FROM hallpass.job WHERE status = 'queued' AND execute_after <= now())),
    ('jobs_oldest_seconds', 'Age of the oldest of them.',
        (SELECT coalesce(max(extract(epoch FROM now() - execute_after)), 0) FROM hallpass.job
            WHERE status = 'queued' AND execute_after <= now())),
    ('jobs_failed', 'Background jobs that were tried as often as they may be.',
        (SELECT count(*) FROM hallpass.job WHERE status = 'failed')),
    ('subscriptions_failing', 'Subscriptions whose endpoint does not take notifications.',
        (SELECT count(*) FROM hallpass.subscription WHERE status = 'error' OR failing_since IS NOT NULL AND status = 'active')),
    ('notifications_waiting', 'Events that have a number and were not taken yet.',
        (SELECT coalesce(sum(events - sent), 0) FROM hallpass.subscription WHERE status = 'active')),
    ('locks_waiting', 'Connections that wait for a lock.',
        (SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))),
    ('oldest_transaction_seconds', 'Age of the oldest transaction under way: feeds stop short of it.',
        (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid())),
    ('database_bytes', 'Size of the database on disk.', pg_database_size(current_database())),
    ('witness_current', '1: the database is as new as its witness, or has none. 0: nothing leaves.',
        (SELECT hallpass.database_is_current()::integer)),
    ('witness_waiting', 'Endings that the witness does not have yet: none of them is acknowledged.',
        (SELECT count(*) FROM hallpass.ending)),
    ('standbys_follow', '1: as many standbys follow as a commit waits for. 0: commits wait for a standby that is not there.',
        (SELECT hallpass.standbys_follow()::integer))
$$;
COMMENT ON FUNCTION hallpass.operating_figures IS
    'What an operator watches, as numbers without a word about anybody. Only the owner of the tables calls it.';
