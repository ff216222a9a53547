"""Functions that view their arguments inside torch: random layouts are refused where torch's CPU refuses them."""

import random
from collections import Counter

import pytest
import torch
from laying import arranged, lay

import nnshape
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import find_function
from nnshape.shapes.layouts.applied import result_layouts
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.layouts.requirements import require_layout
from nnshape.shapes.memory_formats import MEMORY_FORMATS
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor


def sizes(choose, low, high):
    return tuple(choose.choice([1, 2, 3, 4]) for _ in range(choose.randrange(low, high)))


def dtype(choose):
    return DTYPES[choose.choice(["float32", "float32", "int64", "float64"])]


def kron(choose):
    return tuple(Tensor(sizes(choose, 0, 4), dtype(choose)) for _ in range(2)), {}, torch.kron


def isin(choose):
    return (Tensor(sizes(choose, 0, 4), dtype(choose)), Tensor(sizes(choose, 1, 4), dtype(choose))), {}, torch.isin


def take_along_dim(choose):
    return (Tensor(sizes(choose, 1, 4)), Tensor(sizes(choose, 1, 4), DTYPES["int64"])), {}, torch.take_along_dim


def local_response_norm(choose):
    return (Tensor(sizes(choose, 3, 7)),), {"size": 2}, torch.nn.functional.local_response_norm


def contiguous(choose):
    return (Tensor(sizes(choose, 1, 5)),), {"memory_format": MEMORY_FORMATS["preserve_format"]}, None


@pytest.mark.parametrize("make", [kron, isin, take_along_dim, local_response_norm, contiguous])
def test_arguments_are_refused_where_torch_refuses_them(make):
    choose = random.Random(make.__name__)
    function = find_function(make.__name__)
    found: Counter[str] = Counter()
    for number in range(800):
        tensors, call, real = make(choose)
        tensors = arranged(tensors, choose if number % 4 else None)
        values = [lay(torch.zeros(tensor.shape, dtype=getattr(torch, tensor.dtype)), tensor) for tensor in tensors]
        said = [(value.shape, value.stride()) for value in values]
        try:
            if real is None:
                wanted = values[0].contiguous(memory_format=torch.preserve_format)
            else:
                wanted = real(*values, **call)
        except RuntimeError as error:
            wanted = str(error)
        result = function.apply(tensors, call)
        try:
            require_layout(function.name, tensors, call, result)
        except Refusal as refusal:
            assert refusal.problem == "not-contiguous"
            assert refusal.note == wanted, said
            found["refused"] += 1
            continue
        assert not isinstance(wanted, str), (wanted, said)
        (layout,) = result_layouts(function, tensors, call, result, MODES[0])
        found["unknown" if layout is None else "known"] += 1
        assert layout is None or layout.strides == wanted.stride(), said
    assert found["refused"] > 20, found
    assert found["known"] > 300, found


#: Steps with an argument whose strides torch refuses, and the number of their line.
REFUSED = {
    "kron": "  t: ones(3, 4).t()\n  k: kron(t, ones(2, 2))\n",
    "isin": "  t: arange(6).view(2, 3).t()\n  k: isin(arange(3), t)\n",
    "take_along_dim": "  t: arange(6).view(2, 3).t()\n  k: t.take_along_dim(zeros(2, dtype=int64))\n",
    "local_response_norm": "  t: ones(2, 3, 4, 5, 6).transpose(3, 4)\n  k: local_response_norm(t, 2)\n",
    "LocalResponseNorm": "  t: ones(2, 3, 4, 5, 6).transpose(3, 4)\n  k: LocalResponseNorm(2)(t)\n",
    "contiguous": "  t: ones(3, 4).t()\n  k: t.contiguous(memory_format=preserve_format)\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_step_is_refused_at_its_place(name):
    text = f"input: 4\nlayers:\n{REFUSED[name]}  out: (x, k)\n"
    (problem,) = nnshape.trace(nnshape.loads(text)).problems
    assert (problem.kind, problem.span.line, problem.severity) == ("not-contiguous", 4, "error")
    assert "contiguous" in problem.notes[0]
    fixed = text.replace("t()\n", "t().contiguous()\n").replace("transpose(3, 4)\n", "transpose(3, 4).contiguous()\n")
    assert not nnshape.trace(nnshape.loads(fixed)).problems
