"""The gallery, each time with one number changed: the verdict is torch's own, and every fix makes torch run.

`NNSHAPE_MUTATIONS` says how many changes each file gets.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import warnings
from pathlib import Path

import pytest
import torch

import nnshape
from nnshape.fixes import edited, fixes
from nnshape.trace.causes import key_of

_place = Path(__file__).parent / "executing.py"
_specification = importlib.util.spec_from_file_location("executing", _place)
executing = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(executing)

CONFIGS = Path(__file__).parents[2] / "configs"
MUTATIONS = int(os.environ.get("NNSHAPE_MUTATIONS", "20"))
#: What makes each file small enough to be run hundreds of times, number by number.
SMALL: dict[str, tuple[tuple[str, str], ...]] = {
    "lenet": (),
    "tiny_model": (),
    "lstm_tagger": (),
    "unet": (("H: 256, W: 256", "H: 32, W: 32"), ("width: 64", "width: 4")),
    "resnet": (
        ("3x224x224", "3x64x64"),
        ("depths: [3, 4, 6, 3], expansion: 4, ", "depths: [1, 2, 1, 1], expansion: 1, "),
    ),
    "mobilenet_v2": (("3x224x224", "3x64x64"),),
    "densenet121": (("3x224x224", "3x64x64"),),
    "gpt2": (
        ("T: 1024", "T: 8"),
        (
            "vocab: 50257, context: 1024, width: 768, heads: 12, depth: 12",
            "vocab: 50, context: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "bert_base": (
        ("T: 512", "T: 8"),
        (
            "vocab: 30522, positions: 512, width: 768, heads: 12, depth: 12",
            "vocab: 50, positions: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "transformer": (("vocab: 32000, context: 512, width: 512", "vocab: 50, context: 8, width: 32"),),
    "vit_b_16": (
        ("H: 224, W: 224", "H: 32, W: 32"),
        ("width: 768, heads: 12, depth: 12, side: 14", "width: 24, heads: 4, depth: 2, side: 2"),
    ),
}
_SIZES = {"S": 7, "T": 5}
# Expectations and ties are nnshape's own, and a variant is no part of the run.
_OWN = re.compile(r"(?m)^(expect|tie|output|variants):.*\n(?:  .*\n)*|  -> \S+|#.*")
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.]|-)")


def text_of(name: str) -> str:
    text = (CONFIGS / f"{name}.yaml").read_text("utf-8")
    for before, after in SMALL[name]:
        assert before in text, f"{name}.yaml has changed: {before}"
        text = text.replace(before, after)
    return _OWN.sub("", text)


def mutated(text: str, chance: random.Random) -> tuple[str, int]:
    """The text with one number of it changed, and the line of it."""
    match = chance.choice(list(_NUMBER.finditer(text)))
    number = int(match[0])
    others = {number + 1, number - 1, number * 2, number // 2, number + 8, chance.randint(1, 9)} - {number}
    other = chance.choice(sorted(value for value in others if value >= 0))
    return text[: match.start()] + str(other) + text[match.end() :], text.count("\n", 0, match.start()) + 1


def torch_says(spec: nnshape.Spec) -> str:
    """What torch has against a spec; empty where it runs."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            executing.execute(spec, _SIZES)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return ""


def traced(text: str) -> nnshape.Trace:
    """The trace with the sizes that have no value in the file as torch is given them."""
    spec = nnshape.loads(text)
    sizes = {dim.id for item in spec.inputs for dim in item.pattern.dims if hasattr(dim, "id")}
    return nnshape.trace(spec, overrides={name: _SIZES[name] for name in sizes - set(spec.dims) if name in _SIZES})


@pytest.mark.parametrize("name", SMALL)
def test_the_file_itself_runs(name):
    text = text_of(name)
    assert traced(text).errors == ()
    assert torch_says(nnshape.loads(text)) == ""


@pytest.mark.parametrize("name", SMALL)
def test_the_verdict_is_that_of_the_real_modules_and_every_fix_makes_them_run(name):
    chance = random.Random(f"nnshape {name}")
    original = text_of(name)
    for _ in range(MUTATIONS):
        text, line = mutated(original, chance)
        try:
            trace = traced(text)
        except nnshape.SpecError:
            continue
        if any(problem.kind in ("too-large", "swallows-batch") for problem in trace.problems):
            continue  # torch accepts some of these, by chance of the batch
        said = torch_says(trace.spec)
        told = "; ".join(f"line {p.span.line}: {p.kind}: {p.message}" for p in trace.errors)
        change = f"{original.splitlines()[line - 1].strip()}  =>  {text.splitlines()[line - 1].strip()}"
        assert bool(told) == bool(said), f"{change}\nnnshape: {told or 'fine'}\ntorch: {said or 'fine'}"
        for fix in fixes(trace):
            fixed = edited(text, fix.edits)
            after = traced(fixed)
            assert len(after.errors) < len(trace.errors), f"{change}\n{fix.shown}"
            if not after.errors:
                said = torch_says(after.spec)
                assert said == "", f"{change}\n{fix.shown}\ntorch: {said}"
        assert set(map(key_of, trace.problems)) or not told
