"""Notifications: what is said of a Subscription, and how it gets to its endpoint."""
