"""A bool in place of each size of each layer."""

from __future__ import annotations

import pytest

from nnshape import loads, trace
from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.layers import all_layers
from nnshape.shapes.refusal import Refusal

SIZES = [
    (name, parameter.name)
    for name, layer in all_layers().items()
    for parameter in layer.signature().parameters
    if not {"Size", "Sizes", "SizesOrNone", "Wholes", "WholeTuple", "int"}.isdisjoint(parameter.kinds)
    and not {"bool", "float"} & {*parameter.kinds}
]


@pytest.mark.parametrize(("name", "argument"), SIZES)
def test_a_bool_is_no_size(name: str, argument: str) -> None:
    layer = all_layers()[name]
    others = {one.name: 4 for one in layer.signature().parameters if one.default is REQUIRED and one.name != argument}
    for value in (True, False, (True, 3)):
        with pytest.raises(Refusal, match=f" as {argument}, not ") as raised:
            layer(**{argument: value} | others)
        assert (raised.value.problem, raised.value.argument) == ("wrong-type", argument)


@pytest.mark.parametrize(
    "step", ["PReLU(True)", "LayerNorm([True])", "GRU(4, True)", "Conv1d(4, 2, (True,))", "Flatten(True)"]
)
def test_a_bool_is_refused_at_its_argument(step: str) -> None:
    (problem,) = trace(loads(f"input: 4\nlayers:\n  m: {step}\n")).errors
    assert problem.kind == "wrong-type"
    assert "a whole number" in problem.message
    assert "True" in problem.span.text
