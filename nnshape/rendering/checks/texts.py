"""A finding as text, for formats without source lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.problems import help_of
from nnshape.rendering.visible import guarded, visible

if TYPE_CHECKING:
    from nnshape.checking import Finding


def message_of(finding: Finding) -> str:
    """The message in one line, with the affected variants."""
    message = " ".join(finding.problem.message.split())
    return visible(f"{message} ({finding.note})" if finding.note else message)


def whole_text(finding: Finding) -> str:
    """The message, the calls that led there and the help, one line each."""
    problem = finding.problem
    lines = [message_of(finding)]
    lines += [
        f"{visible(label.span.source.name)}:{label.span.line}: {label.text}" for label in problem.related if label.text
    ]
    lines += [f"in {frame.text}, called from line {frame.span.line}" for frame in reversed(problem.frames[-3:])]
    lines += [f"help: {text}" for text in help_of(problem)]
    lines += [f"note: {text}" for text in problem.notes]
    return guarded("\n".join(lines))
