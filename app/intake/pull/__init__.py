"""Asking a provider of rosters over HTTP: who asks, how a page is fetched, and when it is given up."""
