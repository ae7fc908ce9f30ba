-- What names the caller, or what the caller is part of.
CREATE POLICY named ON hallpass.validity FOR SELECT USING (org = ANY ((SELECT hallpass.ancestors())::uuid[]));
