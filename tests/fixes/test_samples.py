"""A fix that trades an error for mixed samples is no fix."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes.editing import Edit
from nnshape.fixes.trying import Trials
from nnshape.spec import Span
from nnshape.work import Budget, bounded


def helps(text: str, old: str, new: str) -> bool:
    """Whether this edit of a spec counts as a fix of its first problem."""
    trace = nnshape.trace(nnshape.loads(text))
    start = text.index(old)
    with bounded(Budget(10**6)):
        edit = Edit(Span(trace.spec.source, start, start + len(old)), new)
        return Trials(trace).helps(trace.problems[0], (edit,))


@pytest.mark.parametrize(
    ("input", "step", "old", "new", "expected"),
    [
        # A batch of 512 was meant to move behind the 8.
        ("8x3", "t: view(8, 512, 3)", "512", "N", False),  # mixes-samples
        ("8x3", "t: view(8, 512, 3)", "view(8, 512, 3)", "transpose(0, 1)", True),
        ("8x3", "t: view(512, 3, 8)", "512", "N", False),  # scrambled
        ("8x3", "t: view(512, 3, 8)", "view(512, 3, 8)", "transpose(1, 2)", True),
        ("16x5x5", "t: view(32, 400)", "32", "N", True),
        ("16x5x5", "t: view(32, 400)", "32", "-1", True),
        ("16x5x5", "t: view(32, 400)", "32, 400", "-1, 200", False),  # swallows-batch
        ("1x16", "fc: Linear(8, 16)", "8", "16", True),
        ("1x16", "fc: Linear(8, 16)", "fc: Linear(8, 16)", "s: squeeze()\n  fc: Linear(16, 16)", False),  # loses-batch
        ("16", "fc: Linear(8, 16)", "fc: Linear(8, 16)", "fc: Linear(16, 16)\n  s: softmax(0)", False),
        ("{x: 16, y: '[N]'}", "e: Linear(8, 1)(x).squeeze(1) - y", "8", "16", True),
        ("{x: 16, y: '[N]'}", "e: Linear(8, 1)(x).squeeze(1) - y", "8, 1)(x).squeeze(1)", "16, 1)(x)", False),
    ],
)  # fmt: skip
def test_an_edit_adds_no_warning_of_samples(input, step, old, new, expected):
    text = f"input: {input}\nlayers:\n  {step}\n"
    assert helps(text, old, new) is expected
