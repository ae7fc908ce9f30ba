CREATE POLICY own ON hallpass.export_student USING (EXISTS (SELECT 1 FROM hallpass.export e WHERE e.id = export));
