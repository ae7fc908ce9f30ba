CREATE POLICY own ON hallpass.export_block USING (EXISTS (SELECT 1 FROM hallpass.export e WHERE e.id = export));
