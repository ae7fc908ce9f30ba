CREATE POLICY own ON hallpass.export USING (client = (SELECT current_setting('hallpass.client', true)));
