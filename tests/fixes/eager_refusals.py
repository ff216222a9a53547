"""What torch refuses when a spec runs: sizes, or the values of a tensor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

#: What reads places that a tensor holds. A trace knows no values, so that it cannot refuse them.
BY_PLACES = {"gather", "scatter", "scatter_add", "index_select", "index_add", "take_along_dim", "take"}
_OUT_OF_BOUNDS = re.compile(r"index -?\d+ is out of bounds for dimension \d+ with size \d+|index out of range in self")


class Refused(Exception):
    """What torch said, and the lines of the steps that it was said in, the innermost first.

    `by_value` says that it refused the values of a tensor, and no size.
    """

    def __init__(self, error: Exception, lines: list[tuple[int, int]]) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.lines = lines
        self.by_value = isinstance(error, OutOfBounds)


class OutOfBounds(Exception):
    """A tensor names a place that another does not have."""


@contextmanager
def places() -> Iterator[None]:
    """Raise OutOfBounds for what torch says of the places that a tensor names."""
    try:
        yield
    except (IndexError, RuntimeError) as error:
        if _OUT_OF_BOUNDS.search(str(error)):
            raise OutOfBounds(str(error)) from None
        raise
