"""Parts of `arange` as indices of a table: what is refused, torch refuses too."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import nnshape

PARTS = (
    "[:3]", "[2:]", "[1:4]", "[::2]",
    "[-2:]", "[None]", "[0]", "[:, :2]", "[..., 1:]", "[[0, 1]]", ".flip(0)", ".roll(1)",
    ".repeat(2)", ".unsqueeze(0)", ".narrow(0, 0, 2)", ".chunk(2)[1]", ".split(2)[0]", ".unbind(0)[0]", ".select(0, 1)",
    ".flatten()", ".view(2, -1)", ".unfold(0, 2, 2)", ".diagonal()", ".transpose(0, -1)", ".expand(3, -1)", ".long()",
    ".index_select(0, arange(2))", ".gather(0, arange(2))",
)  # fmt: skip


#: Ways to look rows up, in torch and in a spec, with what the refusal says.
TABLES = {
    "embedding": (lambda rows, index: nn.Embedding(rows, 4)(index), "Embedding({rows}, 4)({index})", "rows (0 to"),
    "index": (lambda rows, index: torch.zeros(rows, 4)[index], "zeros({rows}, 4)[{index}]", "the index reaches"),
    "index_select": (
        lambda rows, index: torch.zeros(rows, 4).index_select(0, index),
        "zeros({rows}, 4).index_select(0, {index})", "the index reaches"),
}  # fmt: skip


def _torch_refuses(expression: str, rows: int, table: str = "embedding") -> bool | None:
    """Whether torch finds an index outside the table; None where the expression itself does not run."""
    try:
        indices = eval(expression, {"arange": torch.arange})
    except (RuntimeError, IndexError, ValueError):
        return None
    try:
        TABLES[table][0](rows, indices)
    except IndexError as error:
        return None if "vector" in str(error) else True
    return False


def _refused(expression: str, rows: int, table: str = "embedding") -> bool:
    _, step, told = TABLES[table]
    text = f"input: 3\nlayers:\n  e: {step.format(rows=rows, index=expression)}\n"
    return any(told in problem.message for problem in nnshape.trace(text).errors)


@pytest.mark.parametrize("table", TABLES)
def test_no_part_of_a_range_is_refused_that_torch_takes(table):
    chance = random.Random(f"ranges {table}")
    counts = {True: 0, False: 0}
    for _ in range(1000):
        parts = chance.choices(PARTS, k=chance.randint(1, 3))
        expression, rows = f"arange({chance.randint(1, 12)}){''.join(parts)}", chance.randint(1, 8)
        refuses = _torch_refuses(expression, rows, table)
        if refuses is None:
            continue
        refused = _refused(expression, rows, table)
        counts[refused] += 1
        assert refuses or not refused, f"{table}: {expression} of {rows} rows"
    assert min(counts.values()) > 50


@pytest.mark.parametrize("expression", ["arange(9)[:6]", "arange(9).narrow(0, 0, 6)", "arange(12).chunk(2)[0]"])
@pytest.mark.parametrize("rows", [5, 6])
@pytest.mark.parametrize("table", TABLES)
def test_a_part_from_the_start_reaches_as_high_as_it_is_long(expression, rows, table):
    assert _refused(expression, rows, table) is _torch_refuses(expression, rows, table) is (rows == 5)


def test_a_table_that_is_indexed_by_all_positions_limits_their_number():
    text = "input: int64[N, T]\nlayers:\n  table: Parameter(12, 4)\n  rows: table[arange(T)] + x.unsqueeze(-1)\n"
    assert [str(need) for need in nnshape.trace(text).requirements] == ["T <= 12"]
