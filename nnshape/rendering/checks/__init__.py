"""The report of a check: one format per file."""
