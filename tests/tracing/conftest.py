"""What the tests of the trace share: a spec's text in, its calls and problems out."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from nnshape import Trace, loads, trace


class Traced:
    """A trace, and short ways to ask it."""

    def __init__(self, answer: Trace) -> None:
        self.trace = answer
        self.calls = {call.path: call for call in answer.calls}

    def __getitem__(self, path: str) -> str:
        return str(self.calls[path].output)

    @property
    def problems(self) -> list[tuple[str, int, str]]:
        """Kind, line and the text pointed at, of each problem."""
        return [(p.kind, p.span.line, p.span.text) if p.span else (p.kind, 0, p.place) for p in self.trace.problems]


def of(text: str, **options: object) -> Traced:
    return Traced(trace(loads(dedent(text).lstrip("\n")), **options))


def steps(body: str, input: str = "1x32x32", head: str = "", **options: object) -> Traced:
    """Trace the steps of a model; they begin on line 3 where there is no `head`."""
    text = f"input: {input}\n{dedent(head)}layers:\n{indent(dedent(body).strip(chr(10)), '  ')}\n"
    return Traced(trace(loads(text), **options))


@pytest.fixture(name="steps")
def _steps():
    return steps


@pytest.fixture(name="of")
def _of():
    return of
