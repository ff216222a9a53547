"""The errors that people meet: each case names the kind on the very line, and the whole message is a snapshot.

`pytest --snapshot-update` writes the messages anew; they are reviewed by reading them.
"""

import re
from pathlib import Path

import pytest

import nnshape
from nnshape.fixes import explained
from nnshape.kinds import kind_names
from nnshape.render.problems import problems_lines
from nnshape.render.styled import painted

CASES = sorted((Path(__file__).parents[1] / "cases" / "errors").glob("*.yaml"))
_EXPECTED = re.compile(r"#! ([a-z-]+)")


def problems_of(path: Path) -> tuple[nnshape.Problem, ...]:
    """The problems of a case, with the fixes found for them; under a name that is the same on every machine."""
    try:
        return explained(nnshape.trace(nnshape.loads(path.read_text("utf-8"), path.name)))
    except nnshape.SpecError as error:
        return error.problems


def expected(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text("utf-8").splitlines()
    return [(number, kind) for number, line in enumerate(lines, 1) for kind in _EXPECTED.findall(line)]


@pytest.fixture(scope="module", params=CASES, ids=lambda path: path.stem)
def case(request):
    return request.param, problems_of(request.param)


def test_the_kinds_are_told_at_the_lines_that_say_so(case):
    path, problems = case
    assert sorted((p.span.line, p.kind) for p in problems if p.span) == expected(path)


def test_the_message_is_the_one_that_was_reviewed(case, snapshot):
    _, problems = case
    assert "\n" + painted(problems_lines(problems, 80), False) == snapshot


def test_every_kind_is_a_known_one(case):
    _, problems = case
    assert {problem.kind for problem in problems} <= set(kind_names())


def test_a_symbol_is_never_in_what_torch_says(case):
    """Torch has numbers only: a batch of two stands for N."""
    _, problems = case
    notes = [note for problem in problems for note in problem.notes if note.startswith("torch says")]
    assert not [note for note in notes if re.search(r"\bN\b|\bT\b", note)]
