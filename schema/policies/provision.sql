CREATE POLICY held ON hallpass.provision USING (EXISTS (
    SELECT 1 FROM hallpass.release e WHERE e.shard = provision.shard AND e.consent = provision.consent));
