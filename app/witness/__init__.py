"""What was seen of the database, kept elsewhere: a database that is older releases nothing."""
