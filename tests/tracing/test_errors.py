"""The errors that people meet: each case says the kind and the column on the very line, and a snapshot the message.

`#! size-mismatch 15` is a problem of this kind on this line whose range begins at column 15. `pytest --snapshot-update`
writes these comments and the messages anew; they are reviewed by reading them.
"""

import re
from pathlib import Path

import pytest

import nnshape
from nnshape.fixes import explained
from nnshape.problems.kinds import kind_names
from nnshape.rendering.problems import problems_lines
from nnshape.rendering.styled import painted

CASES = sorted((Path(__file__).parents[1] / "cases" / "errors").glob("*.yaml"))
_EXPECTED = re.compile(r"#! ([a-z-]+)(?: (\d+))?")
_COMMENT = re.compile(r"[ \t]*#! .*")


def problems_of(path: Path) -> tuple[nnshape.Problem, ...]:
    """The problems of a case, with the fixes found for them; under a name that is the same on every machine."""
    try:
        return explained(nnshape.trace(nnshape.loads(path.read_text("utf-8"), path.name)))
    except nnshape.SpecError as error:
        return error.problems


def places(problems: tuple[nnshape.Problem, ...]) -> list[tuple[int, int, str]]:
    """Line, column and kind of each problem, in the order of the text."""
    return sorted((p.span.line, p.span.column, p.kind) for p in problems if p.span)


def expected(path: Path) -> list[tuple[int, int, str]]:
    """What the comments of a case say; a column of 0 where one says none."""
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    return [(number, int(column or 0), kind) for number, line in lines for kind, column in _EXPECTED.findall(line)]


def write_expected(path: Path, found: list[tuple[int, int, str]]) -> None:
    """Write the comments of a case as the problems are."""
    lines = [_COMMENT.sub("", line) for line in path.read_text("utf-8").splitlines()]
    for number in dict.fromkeys(number for number, _, _ in found):
        comments = [f"#! {kind} {column}" for line, column, kind in found if line == number]
        lines[number - 1] += "    " + " ".join(comments)
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture(scope="module", params=CASES, ids=lambda path: path.stem)
def case(request):
    path, problems = request.param, problems_of(request.param)
    if request.config.option.update_snapshots and places(problems) != expected(path):
        write_expected(path, places(problems))
        problems = problems_of(path)
    return path, problems


def test_the_kinds_are_told_at_the_lines_and_columns_that_say_so(case):
    path, problems = case
    assert places(problems) == expected(path)


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
