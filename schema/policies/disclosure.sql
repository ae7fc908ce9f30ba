CREATE POLICY held ON hallpass.disclosure FOR SELECT USING (custodian = ANY ((SELECT hallpass.descendants())::uuid[]));
