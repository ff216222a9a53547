"""What a model's error quotes from torch is what torch says when it runs the same model.

The rules alone are held in tests/shapes. Here the whole way is: the batch of two that stands for N, and the calls,
methods and modules that a model makes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from eager import execute
from eager_refusals import Refused
from gallery import NAMES, SIZES, text_of
from judging import traced
from mutating import mutated
from quoting import quotes

import nnshape

#: How many changes of each file are tried, and how many quotes they must give in all.
MUTATIONS, QUOTES = 12, 20
CASES = sorted((Path(__file__).parent.parent / "cases" / "errors").glob("*.yaml"))
_PREFIX = "torch says: "


def said(text: str) -> Iterator[tuple[str, list[str]]]:
    """The quote of a model's first error, and torch's messages for the same step, one for each mode.

    Nothing if the error has no quote, or if torch stops in another step.
    """
    try:
        trace = traced(text)
    except nnshape.SpecError:
        return
    if not trace.errors or trace.errors[0].span is None:
        return
    first = trace.errors[0]
    notes = [note.removeprefix(_PREFIX) for note in first.notes if note.startswith(_PREFIX)]
    messages = []
    for mode in ("gradients", "training", "inference"):
        torch.manual_seed(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                execute(trace.spec, SIZES, 2, mode)
        except Refused as refused:
            start, end = refused.lines[0]
            message = str(refused).partition(": ")[2]
            # The eager runner makes `auto` with torch's lazy classes, which torch names in a message of theirs.
            if start <= first.span.line <= end and "input to Lazy" not in message:
                messages.append(message)
    if messages:
        yield from ((note, messages) for note in notes)


@pytest.fixture(scope="module")
def quoted() -> Iterator[list[str]]:
    """The quotes of all changed files: too few would prove nothing."""
    found: list[str] = []
    yield found
    assert len(found) >= QUOTES


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_model_quotes_torch(name, chance, quoted):
    source = chance(f"quoted {name}")
    original = text_of(name)
    for _ in range(MUTATIONS):
        for note, messages in said(mutated(original, source).text):
            assert any(quotes(note, message) for message in messages), f"{note}\n{messages}"
            quoted.append(note)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_reviewed_case_quotes_torch(path):
    for note, messages in said(path.read_text("utf-8")):
        assert any(quotes(note, message) for message in messages), f"{note}\n{messages}"
