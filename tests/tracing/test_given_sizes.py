"""`--set N=8` gives the figures of a batch and silences nothing; `--input 1x512x512` sets the symbols it replaces."""

from __future__ import annotations

import pytest

import nnshape
from nnshape import SpecError

WRONG = """
input: {x: 64x8x64, e: 64}
layers:
  h: x + e
  s: softmax(h.mean(2), 0)
"""
GROUPS = "input: 16x8\nlayers:\n  g: reshape(3, -1, 16, 8)\n  m: g.mean(0)\n"


def told(trace):
    return [(problem.kind, problem.message) for problem in trace.problems]


def test_a_batch_that_is_set_gives_its_figures():
    file = "input: 3x8x8\nlayers:\n  c: Conv2d(3, 4, 3) -> 4x6x6\n  f: flatten(1)\n  v: view(N, 4, 36)\n"
    free, given = (nnshape.trace(file, overrides=overrides) for overrides in ({}, {"N": 5}))
    assert [call.output.shape for call in given.calls] == [(5, 4, 6, 6), (5, 144), (5, 4, 36)]
    assert [call.macs for call in given.calls] == [5 * 3888, 0, 0]
    assert (free.totals.macs, given.totals.macs) == (3888, 5 * 3888)
    assert given.totals.parameters == free.totals.parameters
    assert (given.sizes, given.inputs["x"].shape) == ({"N": 5}, (5, 3, 8, 8))
    assert not given.problems
    assert nnshape.verify(given, "cpu").is_complete


@pytest.mark.parametrize("batch", [1, 2, 8])
@pytest.mark.parametrize(
    "file", [WRONG, "input: 3x8x8\nlayers:\n  b: BatchNorm2d(3)\n  m: mean((2, 3))\n  l: BatchNorm1d(3)\n"]
)
def test_a_batch_that_is_set_silences_nothing(file, batch):
    free, given = nnshape.trace(file), nnshape.trace(file, overrides={"N": batch})
    assert told(free)
    assert told(given) == told(free)
    assert [fix.shown for fix in nnshape.find_fixes(given)] == [fix.shown for fix in nnshape.find_fixes(free)]


def test_an_error_at_the_set_batch_alone_is_added():
    free = told(nnshape.trace(GROUPS))
    assert free == [("restricted-batch", "g runs at some batches only (N: multiples of 3)")]
    assert told(nnshape.trace(GROUPS, overrides={"N": 9})) == free
    more = told(nnshape.trace(GROUPS, overrides={"N": 8}))
    assert more[:1] == free
    assert [kind for kind, _ in more[1:]] == ["size-mismatch"]


def test_expected_macs_are_those_of_one_sample():
    file = "input: 8\nlayers:\n  l: Linear(8, 2)\nexpect: {macs: 16, output: 2}\n"
    assert not nnshape.trace(file, overrides={"N": 4}).problems
    wrong = file.replace("16", "64")
    assert told(nnshape.trace(wrong, overrides={"N": 4})) == told(nnshape.trace(wrong)) != []


def test_a_variant_may_set_the_batch():
    file = "input: 8\nlayers:\n  l: Linear(8, 2)\n  v: view(4, 2)\nvariants:\n  four: {N: 4}\n"
    trace = nnshape.trace(file, variant="four")
    assert trace.output.shape == (4, 2)
    assert told(trace) == [("fixed-batch", "v runs at N = 4 only, not at every batch")]


def test_an_ordinary_n_is_set_like_any_size():
    graph = "input: {a: '[N, N]', x: '[N, 8]'}\nlayers:\n  y: a @ x\n  z: y + zeros(34, 8)\n"
    assert nnshape.trace(graph, overrides={"N": 34}).output.shape == (34, 8)
    assert not nnshape.trace(graph, overrides={"N": 34}).problems
    assert not nnshape.trace(graph + "dims: {N: 34}\n").problems


def test_without_an_n_there_is_none_to_set():
    with pytest.raises(SpecError, match="no hparam or size N"):
        nnshape.trace("input: [64, 8]\nlayers:\n  l: Linear(8, 2)\n", overrides={"N": 4})


UNET = "input: 1xHxW\ndims: {H: 8, W: 8}\nlayers:\n  c: Conv2d(1, 2, 3, padding=1) -> 2xHxW\nexpect: {output: 2xHxW}\n"


@pytest.mark.parametrize(
    ("file", "input", "sizes", "output"),
    [
        (UNET, "1x16x12", {"H": 16, "W": 12}, ("N", 2, 16, 12)),
        (UNET, "1xHx12", {"H": 8, "W": 12}, ("N", 2, 8, 12)),
        (UNET, "1xSxS", {"H": "S", "W": "S"}, ("N", 2, "S", "S")),
        (UNET, "[3, 1, 16, 12]", {"H": 16, "W": 12}, (3, 2, 16, 12)),
        (
            "input: 'int64[N, T]'\nlayers:\n  e: Embedding(9, 4)\n  p: e + zeros(T, 4)\n",
            "int64[N, 512]", {"T": 512}, ("N", 512, 4),
        ),
        (
            "input: {a: '[N, T, 4]', b: '[N, T, 4]'}\nlayers:\n  c: a + b\n  v: view(N, T * 4)\n",
            "a=[N, 6, 4]", {"T": 6}, ("N", 24),
        ),
        ("input: 3x4\nlayers:\n  v: view(N, 12)\n  w: v + 0 -> 12\n", "[7, 3, 4]", {}, (7, 12)),
    ],
)  # fmt: skip
def test_a_given_shape_sets_the_symbols_that_it_replaces(file, input, sizes, output):
    trace = nnshape.trace(file, input=[input])
    assert not trace.problems
    assert {name: size if isinstance(size, int) else str(size) for name, size in trace.sizes.items()} == sizes
    assert tuple(size if isinstance(size, int) else str(size) for size in trace.output.shape) == output
    assert nnshape.verify(trace, "cpu").is_complete


def test_assertions_are_judged_at_the_given_sizes():
    trace = nnshape.trace(UNET.replace("-> 2xHxW", "-> 2x8x8"), input="1x16x12")
    assert told(trace) == [("unexpected-shape", "c is 2x16x12, not 2x8x8")]


@pytest.mark.parametrize(
    ("file", "options", "said"),
    [
        (UNET, {"input": "1x16x12", "overrides": {"H": 8}}, "H is 8 and 16 at once: the shape of x is 1xHxW"),
        (UNET.replace("1xHxW", "1xHxH"), {"input": "1x16x12"}, "H is 16 and 12 at once: the shape of x is 1xHxH"),
        (UNET, {"input": "[2, 1, 8, 8]", "overrides": {"N": 3}}, "N is 3 and 2 at once: the shape of x is 1xHxW"),
        (UNET, {"overrides": {"N": 0}}, "N is a size, which must be a whole number of 1 or more, not 0"),
        (UNET, {"overrides": {"N": True}}, "N is a size, which must be a whole number of 1 or more, not True"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(file, options, said):
    with pytest.raises(SpecError) as error:
        nnshape.trace(file, **options)
    assert error.value.problems[0].message == said


def test_the_set_sizes_agree_with_a_shape_that_has_the_same():
    assert not nnshape.trace(UNET, input="[2, 1, 16, 12]", overrides={"N": 2, "H": 16}).problems
