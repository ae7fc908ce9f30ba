CREATE POLICY concerned ON hallpass.event FOR SELECT USING (organization = ANY ((SELECT hallpass.descendants())::uuid[]));
