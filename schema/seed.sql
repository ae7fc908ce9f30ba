-- What a new database starts with. Runs once, after everything else.
INSERT INTO hallpass.secret VALUES ('cursor', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
