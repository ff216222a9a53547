"""A finding in words, for readers that show no source lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.problems import help_of
from nnshape.rendering.visible import guarded, visible

if TYPE_CHECKING:
    from nnshape.checking import Finding


def message_of(finding: Finding) -> str:
    """What is wrong, in one line, with the variants that it is wrong in."""
    message = " ".join(finding.problem.message.split())
    return visible(f"{message} ({finding.note})" if finding.note else message)


def whole_text(finding: Finding) -> str:
    """What is wrong, what led there, and what helps, a line each."""
    problem = finding.problem
    lines = [message_of(finding)]
    lines += [
        f"{visible(label.span.source.name)}:{label.span.line}: {label.text}" for label in problem.related if label.text
    ]
    lines += [f"in {frame.text}, called from line {frame.span.line}" for frame in reversed(problem.frames[-3:])]
    lines += [f"help: {text}" for text in help_of(problem)]
    lines += [f"note: {text}" for text in problem.notes]
    return guarded("\n".join(lines))
