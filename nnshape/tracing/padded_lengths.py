"""Finds sizes that must equal the longest length of a batch, to which `pad_packed_sequence` pads by default."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nnshape.problems import Problem
from nnshape.shapes.dims import Dim, Size, symbols_of
from nnshape.tracing.model import Requirement

#: The fresh symbols of `pack_padded_sequence` for the longest length.
_LONGEST = re.compile(r"longest\d+")


def needs_total_length(requirements: Iterable[Requirement], given: frozenset[str]) -> Problem | None:
    """Return the problem of a step that needs such a size, or None. `given` are the symbols of the inputs."""
    for requirement in requirements:
        constraint = requirement.constraint
        if constraint.relation != "==":
            continue
        for size, other in ((constraint.left, constraint.right), (constraint.right, constraint.left)):
            if (
                type(size) is Dim
                and len(symbols_of(size)) == 1
                and _LONGEST.fullmatch(str(size))
                and str(size) not in given
            ):
                return _problem(requirement, other)
    return None


def _problem(requirement: Requirement, other: Size) -> Problem:
    message = f"{requirement.path} needs {other} steps, but pad_packed_sequence pads to the longest length of the batch"
    is_known = not isinstance(other, Dim) or not any(map(_LONGEST.fullmatch, symbols_of(other)))
    help = (f"write pad_packed_sequence(…, total_length={other})",) if is_known else ()
    return Problem("size-mismatch", message, requirement.span, help=help)
