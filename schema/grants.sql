-- What the application's role may do. It starts from nothing each time, so that a grant taken out here is gone.
-- Nothing is deleted but what is computed again; the ledger is written by hallpass.disclose alone.
REVOKE ALL ON ALL TABLES IN SCHEMA hallpass FROM hallpass_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA hallpass FROM hallpass_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hallpass FROM hallpass_app, PUBLIC;

GRANT USAGE ON SCHEMA hallpass TO hallpass_app;
GRANT SELECT, INSERT ON hallpass.resource TO hallpass_app;
GRANT UPDATE (current) ON hallpass.resource TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.student, hallpass.authority, hallpass.agreement, hallpass.release,
    hallpass.provision TO hallpass_app;
GRANT SELECT ON hallpass.access, hallpass.validity, hallpass.active_release, hallpass.organization,
    hallpass.tree, hallpass.verified_identifier, hallpass.custody_count, hallpass.emergency TO hallpass_app;
GRANT SELECT ON hallpass.term_token, hallpass.term_string, hallpass.term_reference, hallpass.term_date,
    hallpass.term_quantity, hallpass.term_uri TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.export, hallpass.export_student, hallpass.export_item,
    hallpass.export_block TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.feed_entry, hallpass.feed_withdrawal, hallpass.feed_answer TO hallpass_app;
GRANT SELECT ON hallpass.disclosure, hallpass.event TO hallpass_app;
GRANT SELECT ON hallpass.withheld, hallpass.receipt TO hallpass_app;
GRANT SELECT, INSERT, UPDATE ON hallpass.submission, hallpass.submission_file, hallpass.submitted TO hallpass_app;
GRANT SELECT, INSERT ON hallpass.submission_line TO hallpass_app;
GRANT SELECT, INSERT ON hallpass.outside_disclosure, hallpass.glass_review TO hallpass_app;
GRANT SELECT, INSERT, UPDATE (waiting), DELETE ON hallpass.transfer TO hallpass_app;
GRANT SELECT ON hallpass.client, hallpass.staff, hallpass.alembic_version TO hallpass_app;
GRANT SELECT, INSERT, DELETE ON hallpass.assertion, hallpass.revoked_token TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.signing_key TO hallpass_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.job, hallpass.job_log, hallpass.job_schedule, hallpass.job_statistics,
    hallpass.worker TO hallpass_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hallpass.subscription, hallpass.subscription_event TO hallpass_app;
GRANT SELECT, INSERT, UPDATE ON hallpass.idempotency_key TO hallpass_app;
GRANT SELECT ON SEQUENCE hallpass.write_count TO hallpass_app;
GRANT USAGE ON SEQUENCE hallpass.job_id_seq TO hallpass_app;

GRANT SELECT, INSERT ON hallpass.community_report TO hallpass_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hallpass TO hallpass_app;
-- The owner's alone, for commands and start-up.
REVOKE EXECUTE ON FUNCTION hallpass.operating_figures, hallpass.set_operator, hallpass.partition_ledger, hallpass.drop_ledger,
    hallpass.record_command, hallpass.expunge FROM hallpass_app;
-- What another function calls that judged before.
REVOKE EXECUTE ON FUNCTION hallpass.enter_receipts FROM hallpass_app;
