"""Examples of the profiles, one resource a file."""
