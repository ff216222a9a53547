"""A rule's own mistake is told as one of nnshape, at its step, with how to report it; planted rules make each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nnshape
from nnshape.cli import main
from nnshape.shapes import function as functions
from nnshape.shapes import layer_base as layers
from nnshape.shapes.dims import symbol
from nnshape.shapes.dtypes import DTYPES, INT64, DType
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.results import WrongRule, check_result
from nnshape.shapes.tensor import UNKNOWN, Tensor

H = symbol("H")

#: What a planted rule does, and what is told of it.
MISTAKES: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "a negative size": (lambda x: x.like((2, -3)), "gives a tensor with a size of -3"),
    "a negative symbolic size": (lambda x: x.like((2, -H)), "gives a tensor with a size of -H, which is negative"),
    "a float as size": (lambda x: x.like((2.5,)), r"a size of 2\.5 \(float\), which is no whole number"),
    "a bool as size": (lambda x: x.like((True,)), r"a size of True \(bool\)"),
    "None as size": (lambda x: x.like((None, 2)), r"a size of None \(NoneType\)"),
    "a list as shape": (lambda x: Tensor([2, 3]), r"gives \[2, 3\] \(list\) as a shape"),
    "a string as dtype": (lambda x: x.like(dtype="float32"), r"'float32' \(str\), which is no dtype"),
    "an unknown dtype": (lambda x: x.like(dtype=DType("float31")), "which is no dtype"),
    "a number in place of a tensor": (lambda x: 3, r"gives 3 \(int\) in place of a tensor"),
    "nothing at all": (lambda x: None, r"gives None \(NoneType\) in place of a tensor"),
    "a tuple in place of a tensor": (lambda x: (x, x), "in place of a tensor"),
    "a KeyError": (lambda x: {}["weight"], "KeyError: 'weight'"),
    "a TypeError": (lambda x: x.shape + 1, "TypeError: can only concatenate tuple"),
    "a division by zero": (lambda x: x.like((1 // 0,)), "ZeroDivisionError"),
    "an IndexError": (lambda x: x.like((x.shape[9],)), "IndexError"),
    "a comparison of symbols": (lambda x: x.like((1 if H > 2 else 2,)), "TypeError: H is symbolic"),
}


@pytest.fixture
def planted() -> Iterator[Callable[[Callable[[Tensor], Any]], None]]:
    """Declares the layer `Planted` and the function `planted` by one rule, until the test ends."""

    def plant(rule: Callable[[Tensor], Any]) -> None:
        class Planted(Layer):
            example = ("Planted()", "3")

            def forward(self, input: Tensor) -> Tensor:
                return rule(input)

        def planted(input: Tensor) -> Tensor:
            return rule(input)

        functions.function(example=("planted()", "3"), method=True)(planted)

    yield plant
    layers.REGISTRY.pop("Planted", None)
    functions.REGISTRY.pop("planted", None)


@pytest.mark.parametrize("step", ["Planted()", "planted(x)", "x.planted()", "Sequential(ReLU(), Planted())"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_a_rule_is_one_of_nnshape(planted, mistake: str, step: str) -> None:
    rule, told = MISTAKES[mistake]
    planted(rule)
    trace = nnshape.trace(f"input: 3\nlayers:\n  a: {step}\n  b: Linear(4, 4)(x)\n")
    internal, other = trace.errors
    assert internal.kind == "internal-error"
    assert internal.message.startswith("nnshape is wrong here: ")
    assert re.search(told, internal.message), internal.message
    assert internal.span is not None
    assert internal.span.text in (step, "Planted()")
    assert "please report it with this step" in internal.help[0]
    assert other.kind == "size-mismatch", "the trace goes on"


@pytest.mark.parametrize(
    ("method", "answer", "told"),
    [
        ("parameters", {"w": Tensor((-3, 4))}, "Planted.w gives a tensor with a size of -3"),
        ("parameters", {"w": 3}, "Planted.w gives 3 (int) in place of a tensor"),
        ("buffers", {"b": Tensor((2.5,))}, "Planted.b gives a tensor with a size of 2.5 (float)"),  # type: ignore[arg-type]
        ("macs", -5, "Planted counts -5 (int) MACs"),
        ("macs", 1.5, "Planted counts 1.5 (float) MACs"),
        ("macs", "many", "Planted counts 'many' (str) MACs"),
    ],
)
@pytest.mark.parametrize("argument", ["x", "input=x"])
def test_a_mistake_in_the_parameters_or_macs_of_a_layer_is_one_of_nnshape(
    planted, monkeypatch, method: str, answer: Any, told: str, argument: str
) -> None:
    planted(lambda x: x)
    monkeypatch.setattr(layers.REGISTRY["Planted"], method, lambda *_arguments, **_keywords: answer)
    (problem,) = nnshape.trace(f"input: 3\nlayers:\n  a: Planted()({argument})\n").errors
    assert problem.kind == "internal-error"
    assert told in problem.message


def test_a_mistake_in_the_macs_of_a_function_is_one_of_nnshape(planted, monkeypatch) -> None:
    planted(lambda x: x)
    monkeypatch.setattr(functions.REGISTRY["planted"], "count", lambda *_arguments, **_keywords: -1)
    (problem,) = nnshape.trace("input: 3\nlayers:\n  a: planted()\n").errors
    assert (problem.kind, "planted counts -1 (int) MACs" in problem.message) == ("internal-error", True)


def test_the_command_line_shows_no_traceback(planted, tmp_path, capsys) -> None:
    planted(MISTAKES["a negative size"][0])
    path = tmp_path / "model.yaml"
    path.write_text("input: 3\nlayers:\n  a: Planted()\n")
    assert main(["inspect", str(path), "--device", "none"]) == 2
    out, err = capsys.readouterr()
    assert "internal-error" in out + err
    assert "nnshape is wrong here: WrongRule: Planted gives a tensor with a size of -3" in out + err
    assert "Traceback" not in out + err


def test_the_check_takes_what_torch_can_give() -> None:
    x = Tensor((0, H, 3), INT64)
    for result in (x, (x, None), [x, (x, {"a": x})], 3, 2.5, True, "float32", DTYPES["bool"], H, (1, H), UNKNOWN, None):
        check_result("planted", result, "Any")
    for result in (object(), (x, object()), {"a": Tensor((-1,))}, [Tensor((2,), "int")], {1, 2}):  # type: ignore[arg-type]
        with pytest.raises(WrongRule):
            check_result("planted", result, "Any")


@pytest.mark.parametrize("step", ["Planted()", "planted(x)"])
@pytest.mark.parametrize("arguments", [["--format", "table"], ["--format", "json"]])
def test_a_mistake_in_a_derivation_is_one_of_nnshape(planted, monkeypatch, tmp_path, capsys, step, arguments) -> None:
    planted(lambda x: x)

    def broken(*_arguments: Any, **_keywords: Any) -> Any:
        raise KeyError("kernel_size")

    monkeypatch.setattr(layers.REGISTRY["Planted"], "derivation", broken)
    monkeypatch.setattr(functions.REGISTRY["planted"], "derive", broken)
    path = tmp_path / "model.yaml"
    path.write_text(f"input: 3\nlayers:\n  a: ReLU()\n  b: {step}\n")
    assert main(["explain", str(path), "b", *arguments]) == 2
    out, err = capsys.readouterr()
    assert "internal-error" in out + err
    assert "nnshape is wrong here: KeyError: 'kernel_size'" in out + err
    assert "model.yaml" in out + err
    assert ":4:6" in out + err or '"line": 4' in out + err
    assert "Traceback" not in out + err
