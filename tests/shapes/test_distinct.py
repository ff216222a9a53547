"""`unique` and `unique_consecutive` against torch, for every small shape, valid and not."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from nnshape.shapes.dtypes import BOOL, FLOAT32, INT64
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

SHAPES = [(), (0,), (3,), (2, 3), (0, 3), (2, 0), (0, 0), (2, 1, 4)]


@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
@pytest.mark.parametrize("dtype", [FLOAT32, INT64, BOOL], ids=str)
def test_distinct_elements(name: str, dtype: object) -> None:
    rule = find_function(name)
    accepted = refused = 0
    for shape, dim in product(SHAPES, [None, 0, 1, -1, 5]):
        given = {"return_inverse": True, "return_counts": True, "dim": dim}
        try:
            real = getattr(torch, name)(torch.zeros(shape, dtype=getattr(torch, str(dtype))), **given)
        except (RuntimeError, IndexError) as error:
            with pytest.raises(Refusal) as raised:
                rule.apply((Tensor(shape, dtype),), given)
            assert raised.value.note in ("", str(error))
            refused += 1
            continue
        found = rule.apply((Tensor(shape, dtype),), given)
        assert [len(one.shape) for one in found] == [one.dim() for one in real]
        assert [str(one.dtype) for one in found] == [str(one.dtype).removeprefix("torch.") for one in real]
        for one, other in zip(found, real, strict=True):
            assert all(type(a) is not int or a == b for a, b in zip(one.shape, other.shape, strict=True))
        accepted += 1
    assert accepted > 10
    assert refused > 10
