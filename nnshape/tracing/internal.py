"""Reports an internal error as a located problem."""

from __future__ import annotations

import os

from nnshape.problems import Problem
from nnshape.spec import Span

_MAX_LENGTH = 200


def internal_error(error: Exception, span: Span) -> Problem:
    """Return the problem for an exception that is a bug of nnshape. Re-raises it if NNSHAPE_TRACEBACK is set."""
    if os.environ.get("NNSHAPE_TRACEBACK"):
        raise error
    help = ("this is a bug: please report it with this step; NNSHAPE_TRACEBACK=1 shows the traceback",)
    return Problem("internal-error", f"nnshape is wrong here: {described_error(error)}", span, help=help)


def described_error(error: Exception) -> str:
    """Return the class and message of an exception on one line, shortened if long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_LENGTH]
