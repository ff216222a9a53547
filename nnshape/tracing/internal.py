"""Reports an internal error as a located problem."""

from __future__ import annotations

import os

from nnshape.problems import Problem
from nnshape.spec import Span

_LONGEST = 200


def internal_error(error: Exception, span: Span) -> Problem:
    """The problem for an exception that no rule should raise; with NNSHAPE_TRACEBACK set, it is raised again."""
    if os.environ.get("NNSHAPE_TRACEBACK"):
        raise error
    help = ("this is a bug: please report it with this step; NNSHAPE_TRACEBACK=1 shows where it comes from",)
    return Problem("internal-error", f"nnshape is wrong here: {described_error(error)}", span, help=help)


def described_error(error: Exception) -> str:
    """An exception's class and what it says, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
