CREATE OR REPLACE VIEW hallpass.active_release WITH (security_invoker = true) AS
    SELECT k.org, k.consent, k.compartment, k.version, k.custodian, k.exact, k.types, k.since
    FROM hallpass.validity k
    WHERE k.since <= hallpass.statement_time() AND hallpass.statement_time() < k.until
      AND k.root_since <= hallpass.statement_time() AND hallpass.statement_time() < k.root_until
      AND (k.majority IS NULL OR hallpass.statement_time() < k.majority OR k.custodian = ANY ((SELECT hallpass.honoring())::uuid[]))
      AND (k.purposes IS NULL OR k.purposes && (SELECT hallpass.purposes())::text[])
      AND (NOT (SELECT hallpass.agreement_required()) OR k.custodian = ANY ((SELECT hallpass.agreed_custodians())::uuid[])
           OR (k.custodian = ANY ((SELECT hallpass.lapsed_custodians())::uuid[]) AND k.since >= hallpass.agreed_since(k.custodian)));
COMMENT ON VIEW hallpass.active_release IS
    'The releases whose roots permit something, now, to an organization that they name, for the caller''s purposes.';
