"""What `--fix` and `--diff` do: the safe fixes of a spec, written to its file, or shown."""

from __future__ import annotations

from nnshape.render.styled import Line
from nnshape.trace import Trace


def fixed(trace: Trace) -> tuple[Trace, list[Line]]:
    """Make the safe fixes of a trace's file, and trace it again; says what was done. Raises SpecError."""
    from nnshape.fixes import rewrite, settled

    result = settled(trace)
    if not result.fixes:
        return trace, [[("nothing to fix: no problem here has a safe fix", "dim")]] if trace.errors else []
    rewrite(trace.spec.source, result.text)
    name = trace.spec.source.name
    return result.trace, [
        [("fixed", "good"), (f" {name}:{fix.edits[0].span.line}: {fix.shown}", "")] for fix in result.fixes
    ]


def difference(trace: Trace) -> str:
    """The safe fixes of a trace's file as a unified diff; empty where there are none."""
    from nnshape.fixes import settled, unified_diff

    result = settled(trace)
    return unified_diff(trace.spec.source.text, result.text, trace.spec.source.name)
