-- A publication is its organization's, and those with whom it has an agreement may read it.
CREATE POLICY held ON hallpass.community_report FOR SELECT USING (hallpass.holds(organization));
CREATE POLICY agreed ON hallpass.community_report FOR SELECT USING (whole AND EXISTS (
    SELECT 1 FROM hallpass.tree t JOIN hallpass.agreement a ON a.discloser = t.ancestor
    WHERE t.id = organization AND a.recipient = ANY (hallpass.ancestors())
      AND a.opens <= hallpass.statement_time() AND hallpass.statement_time() < a.closes));
CREATE POLICY publish ON hallpass.community_report FOR INSERT WITH CHECK (hallpass.holds(organization));
