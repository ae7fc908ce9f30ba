CREATE POLICY held ON hallpass.provision USING (EXISTS (
    SELECT 1 FROM hallpass.release e WHERE e.compartment = provision.compartment AND e.consent = provision.consent));
