"""Views, reshapes, conversions and rearrangements against torch's own, on the CPU."""

from __future__ import annotations

import pytest
from conformance import check_function, tensor
from gate import held
from hypothesis import strategies as st
from operands import (
    alike,
    any_dims,
    call_of,
    case,
    check_call,
    dims,
    dtypes,
    flags,
    floats,
    given_dtypes,
    mostly_float,
    positive,
    several_dims,
    tensors,
)

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

T = tensors
new_sizes = st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6, -2, 0]), min_size=1, max_size=4).map(tuple)
ones = T(0, 4, mostly_float, st.integers(0, 2))
orders = T().flatmap(lambda x: st.tuples(st.just(x), st.permutations(range(x.ndim)).map(tuple)))


def some(least: int, most: int, length: int = 4) -> st.SearchStrategy:
    return st.lists(st.integers(least, most), min_size=1, max_size=length).map(tuple)


growing = st.one_of(
    st.tuples(T(0, 3, mostly_float, st.integers(1, 2)), some(0, 2)),
    T(0, 3).map(lambda x: (x, (2, *x.shape))),
    T(0, 3).map(lambda x: (x, (-1,) * x.ndim)),
)

VIEWS = {
    "view": st.one_of(case(T(), new_sizes), case(T(0, 3, dtypes, positive), given_dtypes)),
    "reshape": case(T(), new_sizes),
    "view_as": case(T(0, 2), T(0, 3)),
    "reshape_as": case(T(0, 2), T(0, 3)),
    "flatten": st.one_of(case(T()), case(T(), dims), case(T(), dims, dims), case(T(), start_dim=dims, end_dim=dims)),
    "unflatten": case(T(), dims, new_sizes),
    "ravel": case(T()),
    "permute": st.one_of(call_of(orders), case(T(), several_dims)),
    "transpose": case(T(), dims, dims),
    "swapaxes": case(T(), dims, dims),
    "swapdims": case(T(), dims, dims),
    "t": case(T()),
    "movedim": st.one_of(case(T(), dims, dims), case(T(), several_dims, several_dims)),
    "moveaxis": st.one_of(case(T(), dims, dims), case(T(), several_dims, several_dims)),
    "squeeze": st.one_of(case(ones), case(ones, any_dims)),
    "unsqueeze": case(T(), dims),
}
CONVERSIONS = {
    "to": st.one_of(
        case(T(0, 2, dtypes), given_dtypes),
        case(T(0, 2, dtypes), T(0, 2, dtypes)),
        case(T(0, 2, dtypes), "cpu"),
        case(T(0, 2, dtypes), "cpu", given_dtypes),
        case(T(0, 2, dtypes), dtype=given_dtypes, device=st.just("cpu"), copy=flags),
    ),
    "type": case(T(0, 2, dtypes), given_dtypes),
    "type_as": case(T(0, 2, dtypes), T(0, 2, dtypes)),
    "size": st.one_of(case(T()), case(T(), dims)),
    "requires_grad_": case(T(0, 2, dtypes), flags),
}
PLAIN = [
    "float", "double", "half", "bfloat16", "int", "long", "short", "char", "byte", "bool", "cfloat", "cdouble",
    "chalf", "detach", "cpu", "cuda", "resolve_conj", "resolve_neg", "contiguous", "clone", "numel", "nelement", "dim",
    "ndimension", "element_size", "is_floating_point", "is_complex", "real", "imag", "view_as_real", "view_as_complex",
]  # fmt: skip
#: What is converted to or from complex numbers, and which tensors fit.
COMPLEX = {
    **dict.fromkeys(("imag", "view_as_real"), T(0, 3, st.sampled_from(["complex64", "complex128"]))),
    "view_as_complex": T(0, 3, floats).map(lambda x: x.like((*x.shape, 2))),
}
REARRANGED = {
    "expand": call_of(growing),
    "expand_as": call_of(alike(2)),
    "broadcast_to": call_of(growing),
    "broadcast_tensors": call_of(alike(3)),
    "repeat": case(T(0, 3), some(-1, 3)),
    "tile": case(T(0, 3), some(-1, 3)),
    "repeat_interleave": st.one_of(case(T(0, 3), st.integers(-1, 3)), case(T(0, 3), st.integers(-1, 3), dims)),
    "flip": case(T(0, 3), some(-4, 3, 3)),
    "fliplr": case(T(0, 3)),
    "flipud": case(T(0, 3)),
    "roll": st.one_of(case(T(0, 3), any_dims), case(T(0, 3), any_dims, any_dims)),
    "rot90": case(T(0, 3), st.integers(-3, 5), st.lists(dims, min_size=2, max_size=2).map(tuple)),
    "tril": st.one_of(case(T(0, 3, dtypes)), case(T(0, 3), st.integers(-2, 2))),
    "triu": st.one_of(case(T(0, 3, dtypes)), case(T(0, 3), st.integers(-2, 2))),
    "diagonal": st.one_of(case(T(0, 3)), case(T(0, 3), st.integers(-3, 3), dims, dims)),
    "diag": case(T(0, 3), st.integers(-3, 3)),
    "diag_embed": st.one_of(case(T(0, 3)), case(T(0, 3), st.integers(-3, 3), dims, dims)),
    "meshgrid": st.one_of(
        call_of(st.lists(T(0, 2), min_size=1, max_size=3).map(tuple), indexing=st.sampled_from(["ij", "xy", "yx"])),
        call_of(
            st.lists(T(0, 1, st.just("float32")), min_size=1, max_size=3).map(tuple),
            indexing=st.sampled_from(["ij", "xy"]),
        ),
    ),
    "atleast_1d": call_of(st.lists(T(0, 3), min_size=1, max_size=3).map(tuple)),
    "atleast_2d": call_of(st.lists(T(0, 3), min_size=1, max_size=3).map(tuple)),
    "atleast_3d": call_of(st.lists(T(0, 3), min_size=1, max_size=3).map(tuple)),
    "cartesian_prod": call_of(st.lists(T(1, 1, dtypes) | T(0, 2), min_size=1, max_size=3).map(tuple)),
    "block_diag": call_of(st.lists(T(0, 2, dtypes) | T(0, 3), min_size=1, max_size=3).map(tuple)),
}


@held(*VIEWS)
def test_a_view(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(VIEWS[name]))


@held(*CONVERSIONS)
def test_a_conversion(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(CONVERSIONS[name]))


@held(*PLAIN, most=30)
def test_a_conversion_without_arguments(name: str, data: st.DataObject) -> None:
    drawn = T(0, 3, dtypes, st.integers(0, 2))
    if name in COMPLEX:
        drawn |= COMPLEX[name]
    check_call(name, data.draw(case(drawn)))


@held(*REARRANGED, written=True)
def test_a_rearrangement(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(REARRANGED[name]))


@held("Tensor.unfold", most=60)
def test_the_unfold_method(name: str, data: st.DataObject) -> None:
    arguments = data.draw(st.tuples(T(0, 3), dims, st.integers(-1, 4), st.integers(-1, 3)))
    check_function("unfold", arguments, method=True)


@held("T", "mT", "H", "mH", most=30)
def test_a_transpose_that_is_read_as_an_attribute(name: str, data: st.DataObject) -> None:
    check_function(name, (data.draw(T(0, 4, dtypes)),), method=True)


def test_a_reshape_that_does_not_fit_a_sample_says_so() -> None:
    with pytest.raises(Refusal, match="a sample holds 576 values, not 400") as caught:
        find_method("view").apply((Tensor((N, 16, 6, 6)), -1, 400), {})
    assert caught.value.problem == "swallows-batch"  # at N = 25 torch makes 36 rows of it
    with pytest.raises(Refusal, match="a sample holds 784 values, not 400"):
        find_method("view").apply((Tensor((N, 784)), N, 400), {})
    with pytest.raises(Refusal) as caught:
        find_method("view").apply((tensor(2, 16, 6, 6), -1, 400), {})
    assert caught.value.note == "shape '[-1, 400]' is invalid for input of size 1152"


def test_a_reshape_keeps_symbols() -> None:
    H, T_ = symbol("H"), symbol("T")
    flat = find_method("view").apply((Tensor((N, 16, H, H)), N, -1), {})
    assert flat.shape == (N, 16 * H * H)
    heads = find_method("view").apply((Tensor((N, T_, 768)), N, T_, 12, -1), {})
    assert heads.shape == (N, T_, 12, 64)
    with collecting() as constraints:
        split = find_method("view").apply((Tensor((N, T_)), N, -1, 4), {})
    assert split.shape == (N, T_ // 4, 4)
    assert [str(constraint) for constraint in constraints] == ["T % 4 == 0"]


def test_what_is_known_of_whole_numbers_goes_through_views() -> None:
    positions = find_function("arange").apply((1025,), {})
    assert positions.span == (0, 1024)
    assert find_method("unsqueeze").apply((positions, 0), {}).span == (0, 1024)
    assert find_method("float").apply((positions,), {}).span is None


@pytest.mark.parametrize(("name", "arguments"), [("view", (-symbol("T"), 3)), ("broadcast_to", ((-symbol("T"), 3),))])
def test_a_symbolic_size_below_zero_is_refused(name: str, arguments: tuple) -> None:
    with pytest.raises(Refusal, match="has -T, which is below 0"):
        find_function(name).apply((tensor(3), *arguments), {})
