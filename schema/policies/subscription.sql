CREATE POLICY own ON hallpass.subscription USING (hallpass.holds(custodian));
