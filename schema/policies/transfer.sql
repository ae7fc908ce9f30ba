ALTER TABLE hallpass.transfer ENABLE ROW LEVEL SECURITY;
CREATE POLICY party ON hallpass.transfer FOR SELECT USING (
    custodian = (SELECT hallpass.caller()) OR recipient = (SELECT hallpass.caller()));
CREATE POLICY propose ON hallpass.transfer FOR INSERT WITH CHECK (custodian = (SELECT hallpass.caller()));
CREATE POLICY change ON hallpass.transfer FOR UPDATE USING (custodian = (SELECT hallpass.caller()) AND accepted IS NULL);
CREATE POLICY withdraw ON hallpass.transfer FOR DELETE USING (custodian = (SELECT hallpass.caller()) AND accepted IS NULL);
