"""How `einsum` lays out its result: random equations over operands in many layouts, against torch's CPU."""

import random

import pytest
import torch
from laying import arranged, lay

from nnshape.shapes.dims import substitute, symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.layouts.applied import result_layouts
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.tensor import Tensor

EINSUM = find_function("einsum")


def equation(choose: random.Random) -> tuple[str, list[tuple[int, ...]]]:
    """An equation with one or two operands, and their shapes."""
    sizes = {letter: choose.choice([1, 2, 2, 3, 4]) for letter in "abcdeB"}
    terms, shapes = [], []
    dots = [choose.choice([1, 2, 3]) for _ in range(2)] if choose.random() < 0.3 else None
    for _ in range(choose.choice([1, 2, 2, 2])):
        letters = choose.sample(sorted(sizes), choose.randrange(1, 4))
        if choose.random() < 0.1:
            letters.append(letters[0])
        shape = [sizes[letter] if choose.random() < 0.9 else 1 for letter in letters]
        shape = [shape[letters.index(letter)] for letter in letters]
        if dots is not None:
            own = dots[choose.randrange(2) :]
            place = choose.randrange(len(letters) + 1)
            letters.insert(place, "...")
            shape[place:place] = own
        terms.append("".join(letters))
        shapes.append(tuple(shape))
    text = ",".join(terms)
    if choose.random() < 0.8:
        used = sorted({letter for letter in text if letter.isalpha()})
        output = choose.sample(used, choose.randrange(len(used) + 1))
        if dots is not None and choose.random() < 0.8:
            output.insert(choose.randrange(len(output) + 1), "...")
        text += "->" + "".join(output)
    return text, shapes


@pytest.mark.parametrize("seed", range(4))
def test_einsum_lays_out_its_result_as_torch_does(seed):
    choose = random.Random(seed)
    permuted = 0
    for number in range(500):
        text, shapes = equation(choose)
        tensors = arranged(tuple(map(Tensor, shapes)), choose if number % 4 else None)
        values = [lay(torch.rand(shape), tensor) for shape, tensor in zip(shapes, tensors, strict=True)]
        wanted = torch.einsum(text, *values)
        result = EINSUM.apply((text, *tensors), {})
        (found,) = result_layouts(EINSUM, (text, *tensors), {}, result, MODES[0])
        laid = [value.stride() for value in values]
        assert result.shape == tuple(wanted.shape)
        assert found is not None, (text, shapes, laid)
        assert found.strides == wanted.stride(), (text, shapes, laid)
        permuted += not wanted.is_contiguous()
    assert permuted > 50


@pytest.mark.parametrize(
    "text", ["abcd,aced->abce", "abcd,adbe->bcea", "ab,cb->ca", "abc->cab", "ab,ac->abc", "a...b,b->...a"]
)
def test_einsum_with_a_symbol_is_laid_out_as_at_each_size(text):
    terms = text.partition("->")[0].replace("...", "d").split(",")
    n = symbol("N")
    sizes = {"a": n, "b": 3, "c": 4, "d": 2, "e": 5}
    tensors = arranged(tuple(Tensor(tuple(sizes[letter] for letter in term)) for term in terms), None)
    result = EINSUM.apply((text, *tensors), {})
    (found,) = result_layouts(EINSUM, (text, *tensors), {}, result, MODES[0])
    for size in (2, 3, 6):
        values = [torch.rand([size if letter == "a" else sizes[letter] for letter in term]) for term in terms]
        strides = tuple(substitute(step, {"N": size}) for step in found.strides)
        assert strides == torch.einsum(text, *values).stride()
