"""Use cases over a session: the one door through which records are read and written."""
