CREATE POLICY held ON hallpass.agreement USING (custodian = ANY ((SELECT hallpass.descendants())::uuid[]));
CREATE POLICY member ON hallpass.agreement FOR SELECT USING ((SELECT hallpass.caller()) IS NOT NULL);
