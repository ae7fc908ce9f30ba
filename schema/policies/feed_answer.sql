CREATE POLICY own ON hallpass.feed_answer USING (reader = (SELECT hallpass.feed_reader()));
