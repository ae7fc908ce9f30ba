CREATE POLICY held ON hallpass.release USING (custodian = ANY ((SELECT hallpass.descendants())::uuid[]));
