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
        ("Linaer", ["Linear"], "Linear"),  # two swapped characters are one edit
        ("softmaks", ["softmin", "softmax"], "softmax"),
        ("Dense", ["Tensor", "Linear", "Fold"], None),  # three edits would be a guess
        ("Denze", ["Dense", "Dens"], "Dense"),
        ("abcdefg", ["xbcdefgyz"], None),
        ("abcdefg", ["xbcdefgy"], "xbcdefgy"),
        ("relo", ["relu", "elu"], "relu"),
        ("roll", ["relu"], None),  # a short word has one edit
        ("a", ["b"], None),
        ("k", ["kk"], "kk"),
        ("", ["a"], None),
        ("a", [], None),
        ("x" * 100_000, ["y"], None),
    ],
)
def test_the_nearest_name(word, known, wanted):
    assert nearest_name(word, iter(known)) == wanted
    assert nearest(word, iter(known)) == (() if wanted is None else (f"did you mean {wanted}?",))


def test_nothing_else_of_the_package_looks_for_near_names():
    assert [path.name for path in PACKAGE.rglob("*.py") if "get_close_matches" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("text", ["a: ReLU()", "a: ReLUU()"])
def test_difflib_is_not_loaded(text):
    spec = f"input: 8\\nlayers:\\n  {text}\\n"
    code = f"import sys, nnshape\nnnshape.trace('{spec}')\nprint('difflib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
