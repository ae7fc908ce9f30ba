CREATE OR REPLACE VIEW hallpass.active_release WITH (security_invoker = true) AS
    SELECT k.org, k.consent, k.shard, k.version, k.custodian, k.exact
    FROM hallpass.validity k
    WHERE k.since <= hallpass.moment() AND hallpass.moment() < k.until
      AND k.root_since <= hallpass.moment() AND hallpass.moment() < k.root_until
      AND (k.majority IS NULL OR hallpass.moment() < k.majority OR k.custodian = ANY ((SELECT hallpass.honoring())::uuid[]))
      AND (k.purposes IS NULL OR k.purposes && (SELECT hallpass.purposes())::text[])
      AND (NOT (SELECT hallpass.agreement_required()) OR k.custodian = ANY ((SELECT hallpass.agreed())::uuid[]));
COMMENT ON VIEW hallpass.active_release IS
    'The releases whose roots permit something, now, to an organization that they name, for the caller''s purposes.';
