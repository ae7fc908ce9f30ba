"""From a query string to a Search, and from a resource to its index terms. Pure."""
