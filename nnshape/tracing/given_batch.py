"""Joins two traces of a model: one with a free batch, which judges it, and one at the batch that was set.

`--set N=8` asks for the figures at N = 8. It silences nothing: a model that runs at one batch only is still wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnshape.tracing.model import Trace


def joined(free: Trace, given: Trace) -> Trace:
    """Return the trace at the set batch, with the problems and requirements of the trace with a free batch.

    If the free trace has no error, the errors at the set batch are added: 8 is no multiple of 3.
    """
    added = () if free.errors else given.errors
    return replace(
        given,
        problems=(*free.problems, *added),
        contexts={**given.contexts, **free.contexts},
        requirements=free.requirements,
        work=free.work + given.work,
        free=free,
    )
