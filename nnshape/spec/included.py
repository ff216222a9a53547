"""The files that a spec is made of besides its own."""

from __future__ import annotations

from nnshape.spec.source import Source
from nnshape.spec.spec import Spec


def included(spec: Spec) -> tuple[Source, ...] | None:
    """Return the files that a spec includes, recursively, or None if one cannot be read."""
    found: dict[str, Source] = {}
    waiting = [spec]
    while waiting:
        for include in waiting.pop().includes.values():
            if include.spec is None:
                return None
            source = include.spec.source
            if source.name not in found:
                found[source.name] = source
                waiting.append(include.spec)
    return tuple(found[name] for name in sorted(found))
