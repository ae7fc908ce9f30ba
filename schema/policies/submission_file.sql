CREATE POLICY own ON hallpass.submission_file USING (EXISTS (SELECT 1 FROM hallpass.submission s WHERE s.id = submission));
