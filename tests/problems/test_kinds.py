"""The table of kinds, held against its pages and the fixes that are found; `test_documents.py` holds it to the code."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import nnshape
from nnshape.problems import Problem
from nnshape.problems.kinds import KINDS, FixAvailability, KindName, is_kind, kind_names
from nnshape.problems.pages import kind_of
from nnshape.shapes.notices import Notice, notice
from nnshape.shapes.refusal import Refusal
from nnshape.tracing.faults import fault

PACKAGE = Path(nnshape.__file__).parent
CASES = Path(__file__).parents[1] / "cases"


def test_the_table_has_each_name_once_and_each_name_a_page():
    assert kind_names() == get_args(KindName)
    assert list(kind_names()) == sorted(path.stem for path in (PACKAGE / "problems").glob("*.md"))
    assert not is_kind("too-wide")


@pytest.mark.parametrize("name", kind_names())
def test_the_severity_is_that_of_the_page(name):
    assert KINDS[name].severity == kind_of(name).severity


@pytest.mark.parametrize(
    ("takes", "parameter"),
    [(Problem, "kind"), (Refusal.__init__, "problem"), (Notice, "problem"), (notice, "problem"), (fault, "kind")],
)
def test_mypy_knows_the_kinds_wherever_one_is_given(takes, parameter):
    assert takes.__annotations__[parameter] == "KindName"


@cache
def mended() -> dict[str, set[bool]]:
    """Of each kind, whether a fix was found for the problems of the pages and of the cases."""
    found: dict[str, set[bool]] = {}
    texts = [text for name in kind_names() for text in kind_of(name).fails.files.values()]
    texts += [path.read_text("utf-8") for path in sorted(CASES.rglob("*.yaml"))]
    for text in texts:
        try:
            trace = nnshape.trace(nnshape.loads(text))
        except nnshape.SpecError:
            continue
        fixed = {(fix.problem.kind, fix.problem.message) for fix in nnshape.find_fixes(trace)}
        for problem in trace.problems:
            found.setdefault(problem.kind, set()).add((problem.kind, problem.message) in fixed)
    return found


@pytest.mark.parametrize("name", kind_names())
def test_a_fix_is_found_for_the_kinds_that_say_so_and_for_no_other(name):
    assert KINDS[name].fix in get_args(FixAvailability)
    assert (True in mended().get(name, ())) == (KINDS[name].fix == "sometimes")


def test_the_table_is_loaded_without_its_pages():
    code = """if True:
        import sys
        opened = []
        sys.addaudithook(lambda event, arguments: event == "open" and opened.append(str(arguments[0])))
        import nnshape.problems.kinds as kinds
        assert not any(name.endswith(".md") for name in opened)
        assert "nnshape.problems.pages" not in sys.modules
        from nnshape.problems.pages import kind_of
        kind_of(kinds.kind_names()[0])
        assert any(name.endswith(".md") for name in opened)
        """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_without_a_problem_loads_not_even_the_table():
    code = "import sys, nnshape; nnshape.trace('input: 4\\nlayers:\\n  a: ReLU()\\n'); assert {!r} {} sys.modules"
    for name, holds in (("nnshape.problems.kinds", "not in"), ("nnshape.problems", "in")):
        subprocess.run([sys.executable, "-c", code.format(name, holds)], check=True)
