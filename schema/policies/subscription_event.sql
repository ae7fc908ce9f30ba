CREATE POLICY own ON hallpass.subscription_event USING (EXISTS (
    SELECT 1 FROM hallpass.subscription s WHERE s.id = subscription));
