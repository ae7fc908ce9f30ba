CREATE POLICY held ON hallpass.student USING (custodian = ANY ((SELECT hallpass.descendants())::uuid[]));
