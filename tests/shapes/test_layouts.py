"""How rules lay out their results: every rule declares it, and the rule of `view` is torch's, with symbols too."""

import random

import pytest
import torch

import nnshape
from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.shapes.layouts.applied import REGISTRY, depends_on_arguments, key_of
from nnshape.shapes.layouts.layout import Undecided, contiguous_strides
from nnshape.shapes.layouts.viewing import view_strides

#: The functions whose result is unknown: numbers, and those whose kernels choose in ways that no rule follows.
UNKNOWN = """
    cuda size numel nelement dim ndimension element_size is_floating_point is_complex split_copy split_with_sizes_copy
    unbind_copy inner mvlgamma rot90 meshgrid cartesian_prod unique unique_consecutive masked_select nonzero
    argwhere chain_matmul inverse inv cholesky eigh multi_dot stft istft fft ifft rfft irfft hfft ihfft
    fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn
"""


def test_every_rule_declares_how_its_result_lies_in_memory():
    rules = [*all_functions().values(), *(object.__new__(layer) for layer in all_layers().values())]
    depends_on_arguments(rules[0])  # the families are imported when one is asked for
    keys = {key_of(rule) for rule in rules}
    assert {key for key in keys if key not in REGISTRY and not key.endswith("_")} == {*UNKNOWN.split()}


def test_no_declaration_is_of_nothing():
    names = {key_of(rule) for rule in all_functions().values()} | set(all_layers())
    assert not set(REGISTRY) - names


@pytest.mark.parametrize("seed", range(20))
def test_a_view_is_refused_where_torch_refuses_it(seed):
    choose = random.Random(seed)
    refused = 0
    for _ in range(100):
        shape = [choose.choice([0, 1, 1, 2, 3, 4, 6]) for _ in range(choose.randrange(1, 5))]
        order = list(range(len(shape)))
        choose.shuffle(order)
        wide = torch.empty([size + choose.choice([0, 0, 0, 1]) for size in shape]).permute(order)
        value = wide[tuple(slice(shape[place]) for place in order)]
        if choose.random() < 0.3 and value.numel():
            value = value[:1].expand(2, *value.shape[1:])
        count = value.numel()
        sizes = [size for size in (1, 2, 3, 4, 6, 8, 12) if count and count % size == 0]
        first = choose.choice(sizes) if sizes else 0
        target = choose.choice([(first, count // first if first else 3), (count,), (1, count, 1)])
        if count == 0:
            target = choose.choice([(0,), (0, 3), tuple(value.shape)])
        try:
            wanted = value.view(target).stride()
        except RuntimeError:
            wanted = None
            refused += 1
        assert view_strides(tuple(value.shape), value.stride(), target) == wanted
    assert refused


T = symbol("T")
W = symbol("W")


@pytest.mark.parametrize(
    ("shape", "strides", "target", "wanted"),
    [
        ((T, 2, 64), contiguous_strides((T, 2, 64)), (2 * T, 64), (64, 1)),
        ((T, 2, 64), (64, 64 * T, 1), (2 * T, 64), None),
        ((2, T, 8, 8), (64 * T, 1, 8 * T, T), (2, T, 64), (64 * T, 1, T)),
        ((2, T, 8, 8), (64 * T, 1, 8 * T, T), (2, 64 * T), None),
        ((W, T), (1, W), (T * W,), None),
    ],
)
def test_symbols_count_as_two_or_more(shape, strides, target, wanted):
    assert view_strides(shape, strides, target) == wanted


def test_what_depends_on_a_symbol_is_undecided():
    with pytest.raises(Undecided):
        view_strides((T // 2, 3), (1, T // 2), (3 * (T // 2),))  # one run of memory where T is 2 or 3
    spec = 'input: "[N, T, 3]"\nlayers:\n  a: x[:, :T // 2].transpose(1, 2)\n  b: a.view(N, 3 * (T // 2))\n'
    assert not nnshape.trace(nnshape.loads(spec, "model.yaml")).errors


@pytest.mark.parametrize(
    ("steps", "mode"),
    [
        ("MultiheadAttention(8, 2, batch_first=True)(x, x, x)[0]", " where there are gradients"),
        ("MultiheadAttention(8, 1, batch_first=True)(x, x, x)[0]", ""),
        ("LSTM(8, 8, batch_first=True)(x)[0]", ""),
        ("GRU(8, 8, batch_first=True)(x)[0]", ""),
    ],
)
def test_the_message_names_the_modes_that_refuse(steps, mode):
    spec = f'input: "[4, 6, 8]"\nlayers:\n  a: {steps}\n  b: a.view(24, 8)\n'
    (problem,) = nnshape.trace(nnshape.loads(spec, "model.yaml")).errors
    assert problem.kind == "not-contiguous"
    assert problem.message.endswith(f"cannot be viewed as [24, 8] without a copy{mode}")
