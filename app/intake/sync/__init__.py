"""Rosters that are fetched on a schedule: what is kept of them, where they may be, and how one is run."""
