CREATE POLICY own ON hallpass.idempotency_key USING (client = (SELECT nullif(current_setting('hallpass.client', true), '')));
