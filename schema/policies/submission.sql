CREATE POLICY own ON hallpass.submission USING (client = (SELECT current_setting('hallpass.client', true)));
