CREATE OR REPLACE VIEW hallpass.visible_candidates WITH (security_invoker = true) AS
    SELECT a.compartment, a.org, a.id, a.type, a.updated, a.custodian,
           a.custodian = ANY ((SELECT hallpass.descendants())::uuid[])
           OR coalesce(a.since <= hallpass.statement_time() AND hallpass.statement_time() < a.until
                       AND (a.purposes IS NULL OR a.purposes && (SELECT hallpass.purposes())::text[])
                       AND (NOT (SELECT hallpass.agreement_required())
                            OR a.custodian = ANY ((SELECT hallpass.agreed_custodians())::uuid[])), false) AS precomputed
    FROM hallpass.access a WHERE a.opens <= hallpass.statement_time() AND hallpass.statement_time() < a.closes;
COMMENT ON VIEW hallpass.visible_candidates IS
    'What the caller might see now, and whether that it does is precomputed by the index alone: in its custody, or opened by
     the one release that bears on it.';
