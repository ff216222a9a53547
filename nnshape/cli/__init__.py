"""The command line: one command a file, found by its name."""

from nnshape.cli.program import main

__all__ = ["main"]
