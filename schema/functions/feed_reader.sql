CREATE OR REPLACE FUNCTION hallpass.feed_reader() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('hallpass.client', true), '') || ' ' || current_setting('hallpass.purposes', true)
$$;
COMMENT ON FUNCTION hallpass.feed_reader IS
    'Who follows a feed: the client, with the purposes of its token, since they decide what it sees.';
