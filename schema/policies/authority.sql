CREATE POLICY held ON hallpass.authority USING (custodian = ANY ((SELECT hallpass.descendants())::uuid[]));
