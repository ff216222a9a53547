"""The report of a check: one format per file, each for another reader."""
