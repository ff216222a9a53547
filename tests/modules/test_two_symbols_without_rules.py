"""Operations without a rule on sizes of two symbols or more, against torch at those sizes."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch

from nnshape import trace
from nnshape.calculator.one_step import one_step
from nnshape.shapes.dims import substitute
from nnshape.shapes.tensor import Tensor, Unknown

CASES: list[tuple[str, dict[str, str]]] = [
    ("trapezoid(x, y)", {"x": "AB", "y": "AB"}),
    ("trapezoid(x, y)", {"x": "A", "y": "C"}),
    ("trapezoid(x, y)", {"x": "AB", "y": "CB"}),
    ("cumulative_trapezoid(x, dim=0)", {"x": "AB"}),
    ("diff(x, prepend=y)", {"x": "A", "y": "B"}),
    ("vander(x)", {"x": "A"}),
    ("cholesky_solve(x, y)", {"x": "AB", "y": "CC"}),
    ("ormqr(x, y, z)", {"x": "AA", "y": "A", "z": "AB"}),
    ("householder_product(x, y)", {"x": "AB", "y": "B"}),
    ("frexp(x)", {"x": "AB"}),
]


@pytest.mark.parametrize(("step", "shapes"), CASES)
def test_it_is_not_wrong_and_refuses_nothing_that_torch_runs(step: str, shapes: dict[str, str]) -> None:
    model = trace(one_step(step, [f"{name}=[{', '.join(sizes)}]" for name, sizes in shapes.items()]))
    assert model.errors == ()
    assert isinstance(model.output, Unknown) == any(problem.kind == "unmeasured" for problem in model.problems)
    for sizes in product((1, 2, 5), repeat=3):
        values = dict(zip("ABC", sizes, strict=True))
        tensors = {name: torch.ones([values[size] for size in text]) for name, text in shapes.items()}
        try:
            wanted = eval(step, {**vars(torch.linalg), **vars(torch), **tensors})
        except RuntimeError:
            continue
        if not isinstance(model.output, Unknown):
            assert _shapes(model.output, values) == _shapes(wanted, values), values


def test_what_torch_refuses_at_all_sizes_is_an_error() -> None:
    (problem,) = trace(one_step("trapezoid(x, y)", ["x=[A, 3]", "y=[B, 4]"])).errors
    assert problem.kind == "invalid-argument"


def _shapes(value: Any, values: dict[str, int]) -> Any:
    if isinstance(value, (Tensor, torch.Tensor)):
        return tuple(size if isinstance(size, int) else substitute(size, values) for size in value.shape)
    return [_shapes(item, values) for item in value]
