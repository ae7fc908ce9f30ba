CREATE POLICY own ON hallpass.feed_withdrawal USING (reader = (SELECT hallpass.feed_reader()));
