"""The conditions of a reshape of which every size is symbolic, against torch at each size."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import Size, substitute, symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.tensor import Tensor

B, C, H, G = map(symbol, "BCHG")
CASES: list[tuple[tuple[Size, ...], tuple[Size, ...], list[str]]] = [
    ((C,), (2, C // 2), ["C % 2 == 0"]),
    ((B, C, H), (B, C // 2, 2, H), ["C % 2 == 0"]),
    ((B, C, H), (B, C // 2, 2 * H), ["C % 2 == 0"]),
    ((B, C, H), (B, C // 4, 2, 2 * H), ["C % 4 == 0"]),
    ((B, C, H), (B, G, C // G, H), ["C % G == 0"]),
    ((B, C + 1), (B, (C + 1) // 3, 3), ["(C - 2) % 3 == 0"]),
    ((B, C - 1), (B, (C - 1) // 2, 2), ["(C - 1) % 2 == 0"]),
    ((B, 3 * C), (B, 3 * C // 2, 2), ["C % 2 == 0"]),
    ((B, C, H), (B, C * H // 6, 6), ["(C*H) % 6 == 0"]),
    ((B, C, H), (B, 2, H), ["C == 2"]),
    ((B, C), (B, H), ["C == H"]),
    ((B, C, H), (B, H, C), []),
]


@pytest.mark.parametrize(("before", "after", "texts"), CASES)
def test_the_condition_holds_where_torch_reshapes(
    before: tuple[Size, ...], after: tuple[Size, ...], texts: list[str]
) -> None:
    with collecting() as constraints:
        find_function("reshape").apply((Tensor(before), after), {})
    if texts:
        assert [str(constraint) for constraint in constraints] == texts
    for b, c, h, g in product((1, 2), (2, 3, 4, 6, 7), (1, 2, 3), (1, 2, 3)):
        sizes = {"B": b, "C": c, "H": h, "G": g}
        x = torch.zeros([int(substitute(size, sizes)) for size in before])
        try:
            x.reshape([int(substitute(size, sizes)) for size in after])
            wanted = True
        except RuntimeError:
            wanted = False
        assert all(constraint.holds(sizes) for constraint in constraints) == wanted, sizes
