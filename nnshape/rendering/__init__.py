"""A trace for people and for programs: one output format per file."""
