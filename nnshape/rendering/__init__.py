"""Renders traces and reports: one output format per file."""
