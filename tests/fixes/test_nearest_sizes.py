"""The nearest sizes at which a model works: each one offered was traced."""

from pathlib import Path

import pytest

import nnshape
from nnshape.fixes import explained

UNET = Path(__file__).parents[2] / "configs" / "unet.yaml"


def offered(trace: nnshape.Trace) -> list[str]:
    return [line for problem in explained(trace) for line in problem.help if line.startswith("sizes that work")]


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ({"H": 250}, "sizes that work: H = 240 or 256"),
        ({"H": 250, "W": 100}, "sizes that work: H = 240 or 256, W = 96 or 112"),
        ({"H": 3}, "sizes that work: H = 16"),
    ],
)
def test_unet(sizes: dict[str, int], line: str) -> None:
    assert offered(nnshape.trace(UNET, overrides=sizes)) == [line]
    for size in (240, 256, 96, 112, 16):
        assert nnshape.trace(UNET, overrides={"H": size}).errors == ()


def test_a_largest_size() -> None:
    steps = "  e: Embedding(9, 4)(x)\n  p: _ + Embedding(512, 4)(arange(T))\n"
    text = f'input: "int64[N, T]"\ndims: {{T: 600}}\nlayers:\n{steps}'
    assert offered(nnshape.trace(nnshape.loads(text))) == ["sizes that work: T = 512"]


@pytest.mark.parametrize(
    "text",
    [
        # No size of T mends a width.
        'input: "[N, T, 8]"\ndims: {T: 4}\nlayers:\n  fc: Linear(9, 2)\n',
        # The sizes are numbers of the file, which other fixes change.
        "input: 1x250x250\nlayers:\n  a: MaxPool2d(4)\n  b: Upsample(scale_factor=4)\n  c: cat([_, x], 1)\n",
        # Nothing is wrong.
        'input: "[N, T, 8]"\ndims: {T: 4}\nlayers:\n  fc: Linear(8, 2)\n',
    ],
)
def test_no_size_is_offered_where_none_helps(text: str) -> None:
    assert offered(nnshape.trace(nnshape.loads(text))) == []
