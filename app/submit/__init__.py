"""The worker's part of bulk submissions: files are fetched, and their lines taken."""
