CREATE OR REPLACE VIEW hallpass.open_access WITH (security_invoker = true) AS
    SELECT a.shard, a.org, a.id, a.type, a.updated, a.custodian,
           a.custodian = ANY ((SELECT hallpass.below())::uuid[])
           OR coalesce(a.since <= hallpass.moment() AND hallpass.moment() < a.until
                       AND (a.purposes IS NULL OR a.purposes && (SELECT hallpass.purposes())::text[])
                       AND (NOT (SELECT hallpass.agreement_required())
                            OR a.custodian = ANY ((SELECT hallpass.agreed())::uuid[])), false) AS settled
    FROM hallpass.access a WHERE a.opens <= hallpass.moment() AND hallpass.moment() < a.closes;
COMMENT ON VIEW hallpass.open_access IS
    'What the caller might see now, and whether that it does is settled by the index alone: in its custody, or opened by
     the one release that bears on it.';
