"""The one function that suggests names: how near is near, and what it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.problems.nearest import nearest, nearest_name

PACKAGE = Path(nnshape.__file__).parent


@pytest.mark.parametrize(
    ("word", "known", "wanted"),
    [
        ("Conv2D", ["Conv1d", "Conv2d"], "Conv2d"),  # letter case alone beats everything
        ("RELU", ["Relu6", "ReLU"], "ReLU"),
        ("layer", ["input", "layers"], "layers"),
        ("layers", ["input", "blocks"], None),
        ("", ["a"], None),
        ("a", [], None),
        ("x" * 100_000, ["y"], None),
    ],
)
def test_the_nearest_name(word, known, wanted):
    assert nearest_name(word, iter(known)) == wanted
    assert nearest(word, iter(known)) == (() if wanted is None else (f"did you mean {wanted}?",))


def test_nothing_else_of_the_package_looks_for_near_names():
    users = [path.name for path in PACKAGE.rglob("*.py") if "get_close_matches" in path.read_text("utf-8")]
    assert users == ["nearest.py"]


@pytest.mark.parametrize(("text", "loads"), [("a: ReLU()", False), ("a: ReLUU()", True)])
def test_difflib_is_loaded_only_for_an_error(text, loads):
    spec = f"input: 8\\nlayers:\\n  {text}\\n"
    code = f"import sys, nnshape\nnnshape.trace('{spec}')\nprint('difflib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(loads)
