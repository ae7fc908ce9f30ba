"""A CSV of anybody's as a source of rosters, by a mapping file that says what each column is."""
