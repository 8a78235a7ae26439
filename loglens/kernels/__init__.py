"""General array operations for rules."""
