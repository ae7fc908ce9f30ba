"""A student's plan of support, as a document that a person can read and print. Pure."""
