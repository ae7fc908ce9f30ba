CREATE OR REPLACE FUNCTION hallpass.lock_network() RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(0) $$;
COMMENT ON FUNCTION hallpass.lock_network IS
    'Gives a change of an agreement, a client, a token or the tree of organizations an order with every disclosure: it
     waits for those in flight, and those that come wait for its commit.';
