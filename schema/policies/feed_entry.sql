CREATE POLICY own ON hallpass.feed_entry USING (reader = (SELECT hallpass.feed_reader()));
