"""No argument of a declared kind makes a rule fail otherwise than by a Refusal (or TooLarge)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.dims import TooLarge, symbol
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import all_functions
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

T = symbol("T")
SIZES = [0, 1, 2, 3, 5, T, N, T + 1, T // 2, 2 * T]
WHOLE = [0, 1, -1, 2, 3, 7, -5, 10**12, 2**63 - 1, T, -T, T - 3, T // 2, N]
REAL = [0.0, 1.5, -2.0, float("inf"), float("nan"), 1e308, -1e308]
STRINGS = ["", "linear", "ij,jk->ik", "...a,a", "sum", "mean", "none", "fro", "xy", "->", "i,,j", "reflect"]
STEMS = [
    None,
    1,
    "a",
    1.5,
    (1, 2),
    slice(T, None, 2),
    ...,
    [[1], [2, 3]],
    [1, [2]],
    {},
    T,
    [T],
    object(),
    [],
    (),
    [[]],
    range(3),
]


class Draw:
    """Arguments of any kind, drawn from a source."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def tensor(self) -> Tensor:
        """A tensor of any rank and dtype, with numbers and symbols for sizes."""
        shape = [self.random.choice(SIZES) for _ in range(self.random.randint(0, 4))]
        return Tensor(tuple(shape), DTYPES[self.random.choice(list(DTYPES))])

    def several(self, of: list) -> tuple:
        """A tuple of some of these."""
        return tuple(self.random.choice(of) for _ in range(self.random.randint(0, 4)))

    def value(self, kind: str) -> Any:
        """A value of this kind."""
        choose = self.random.choice
        if kind in ("Sizes", "Wholes"):
            return choose([choose(WHOLE), self.several(WHOLE)])
        drawn = {
            "Tensor": self.tensor,
            "Tensors": lambda: [self.tensor() for _ in range(self.random.randint(0, 3))],
            "WholeTuple": lambda: self.several(WHOLE),
            "tuple": lambda: self.several([*WHOLE, self.tensor(), "a", None, (1, 2)]),
            "float": lambda: choose(REAL + WHOLE),
            "Number": lambda: choose([*REAL, *WHOLE, 1j, True]),
            "complex": lambda: choose([*REAL, *WHOLE, 1j, True]),
            "Flag": lambda: choose([True, False]),
            "bool": lambda: choose([True, False]),
            "str": lambda: choose(STRINGS),
            "DType": lambda: choose(list(DTYPES.values())),
            "Device": lambda: "cpu",
            "None": lambda: None,
            "Any": lambda: choose([*STEMS, self.tensor(), (self.tensor(), None, slice(1.5)), [self.tensor()]]),
        }
        return drawn.get(kind, lambda: choose(WHOLE))()

    def call(self, function: Any) -> tuple[tuple, dict]:
        """Arguments for a call, each of one of its declared kinds."""
        arguments: list[Any] = []
        keywords: dict[str, Any] = {}
        signature = function.signature()
        for parameter in signature.parameters:
            kind = self.random.choice(parameter.kinds)
            if parameter.variadic:
                arguments += [self.value(kind) for _ in range(self.random.randint(0, 3))]
            elif parameter.keyword_only or (parameter.default is not REQUIRED and signature.variadic is None):
                if self.random.random() < 0.4:
                    keywords[parameter.name] = self.value(kind)
            elif parameter.default is REQUIRED or not keywords:
                arguments.append(self.value(kind))
        return tuple(arguments), keywords


@pytest.mark.parametrize("name", sorted(all_functions()))
def test_only_a_refusal_leaves_a_rule(name: str, chance: Any) -> None:
    function, draw = all_functions()[name], Draw(chance(name))
    for _ in range(60):
        arguments, keywords = draw.call(function)
        try:
            output = function.apply(arguments, keywords)
            function.macs(output, arguments, keywords)
        except (Refusal, TooLarge):
            continue
