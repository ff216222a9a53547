"""What the tests of the modules share: a spec's text in, its trace out."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from nnshape import Trace, loads, trace


@pytest.fixture
def of():
    """Trace a whole spec, which must be right."""

    def traced(text: str, **options: object) -> Trace:
        answer = trace(loads(dedent(text).lstrip("\n")), **options)
        assert [problem.message for problem in answer.errors] == []
        return answer

    return traced


@pytest.fixture
def steps(of):
    """Trace the steps of a model, which must be right."""

    def traced(body: str, input: str = "1x32x32", head: str = "", **options: object) -> Trace:
        text = f"input: {input}\n{dedent(head)}layers:\n{indent(dedent(body).strip(chr(10)), '  ')}\n"
        return of(text, **options)

    return traced
