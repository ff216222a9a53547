"""Reductions, running sums and orders against torch's own, on the CPU."""

from __future__ import annotations

import pytest
from conformance import tensor
from gate import held
from hypothesis import strategies as st
from operands import (
    alike,
    call_of,
    case,
    check_call,
    dims,
    dtypes,
    flags,
    given_dtypes,
    mostly_float,
    positive,
    tensors,
    wild_dims,
)

from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

A = tensors(0, 4, dtypes)
B = tensors(0, 3, dtypes)
#: Torch lets a complex number without dimensions pass where it has nothing to compare.
real = tensors(0, 3, dtypes.filter("complex64".__ne__))
true = st.just(True)


def keeping(tensor: st.SearchStrategy = A, **more: st.SearchStrategy) -> st.SearchStrategy:
    """Calls with a dim and perhaps keepdim, and such without a dim."""
    with_dim = st.fixed_dictionaries({"dim": wild_dims}, optional={"keepdim": flags, **more})
    without = st.fixed_dictionaries({}, optional={"keepdim": true, **more})
    return st.tuples(st.tuples(tensor), st.one_of(with_dim, with_dim, without))


orders = st.sampled_from([1, 2, 0.5, 0, -1, float("inf"), "fro", "nuc", "one", None])
one_dim = st.one_of(case(B), case(B, dims), case(B, dims, flags))
corrections = {"unbiased": flags, "correction": st.sampled_from([0, 1, 2])}
quantiles = st.one_of(
    st.sampled_from([0, 0.5, 1, 1.5, -1]),
    tensors(0, 2, st.sampled_from(["float32", "float32", "float64"]), st.integers(0, 2)),
)
filled = tensors(0, 3, dtypes, positive)

REDUCTIONS = {
    "sum": keeping(dtype=given_dtypes),
    "nansum": keeping(dtype=given_dtypes.filter("complex64".__ne__)),
    "mean": keeping(dtype=given_dtypes),
    "nanmean": keeping(dtype=given_dtypes.filter("complex64".__ne__)),
    "prod": st.one_of(case(B, dims, flags), case(B, dtype=given_dtypes), case(B, dim=dims, dtype=given_dtypes)),
    "any": keeping(),
    "all": keeping(),
    "logsumexp": case(A, wild_dims.filter(lambda dim: dim not in (None, ())), flags),  # torch trips over () at [1]
    "amax": keeping(real),
    "amin": keeping(real),
    "count_nonzero": case(A, dim=wild_dims),
    "var": st.one_of(
        keeping(correction=st.sampled_from([0, 1])),
        case(B, wild_dims, flags, flags),
        case(B, flags),
        case(B, dims, **corrections),
    ),
    "std": st.one_of(
        keeping(correction=st.sampled_from([0, 1])),
        case(B, wild_dims, flags, flags),
        case(B, flags),
        case(B, dims, **corrections),
    ),
    "var_mean": st.one_of(
        keeping(correction=st.sampled_from([0, 1])), case(B, wild_dims, flags, flags), case(B, flags)
    ),
    "std_mean": st.one_of(
        keeping(correction=st.sampled_from([0, 1])), case(B, wild_dims, flags, flags), case(B, flags)
    ),
    "norm": st.one_of(case(B, orders, wild_dims, flags), case(B, p=orders, dtype=given_dtypes)),
    "vector_norm": case(
        B, ord=orders.filter(lambda p: isinstance(p, (int, float))), dim=wild_dims, keepdim=flags, dtype=given_dtypes
    ),
    "dist": call_of(alike(2, dtype=dtypes)),
    "trace": case(tensors(0, 3, dtypes, positive)),
}
RUNNING = {
    "cumsum": case(A, dims, dtype=given_dtypes),
    "cumprod": case(A, dims, dtype=given_dtypes),
    "logcumsumexp": case(A, dims),
    "cummax": case(real, dims),
    "cummin": case(real, dims),
}
RANKED = {
    "max": st.one_of(one_dim, call_of(alike(2, dtype=dtypes)), case(B, keepdim=true)),
    "min": st.one_of(one_dim, call_of(alike(2, dtype=dtypes)), case(B, keepdim=true)),
    "aminmax": case(B, dim=dims, keepdim=flags),
    "argmax": case(B, dim=st.one_of(st.none(), dims), keepdim=flags),
    "argmin": case(B, dim=st.one_of(st.none(), dims), keepdim=flags),
    "median": st.one_of(case(filled), case(filled, dims), case(filled, dims, flags)),
    "nanmedian": st.one_of(case(filled), case(filled, dims), case(filled, dims, flags)),
    "mode": st.one_of(case(real), case(real, dims, flags)),
    "kthvalue": case(real, st.integers(-1, 4), dims, flags),
    "topk": st.one_of(case(B, st.integers(-1, 4)), case(B, st.integers(-1, 4), dims, flags)),
    "sort": st.one_of(case(B), case(B, dims, flags)),
    "argsort": st.one_of(case(B), case(B, dims, flags)),
    "msort": case(B),
    "quantile": case(tensors(0, 3), quantiles, st.one_of(st.none(), dims), flags),
    "nanquantile": case(tensors(0, 3), quantiles, st.one_of(st.none(), dims), flags),
    "searchsorted": case(
        tensors(0, 2, st.just("float32"), positive),
        st.one_of(tensors(0, 2, st.just("float32"), positive), st.just(2.5)),
        right=flags,
    ),
    "bucketize": case(
        tensors(0, 2, st.just("float32"), positive), tensors(0, 2, st.just("float32"), positive), out_int32=flags
    ),
    "isin": case(tensors(0, 2, dtypes, positive), tensors(0, 2, mostly_float, positive)),
    "unique": case(B, return_inverse=flags, return_counts=flags, dim=dims),
    "unique_consecutive": case(B, return_inverse=flags, return_counts=flags, dim=dims),
    "histc": case(tensors(0, 2), st.integers(-1, 3)),
}


@held(*REDUCTIONS)
def test_a_reduction(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(REDUCTIONS[name]))


@held(*RUNNING)
def test_a_running_reduction(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(RUNNING[name]))


@held(*RANKED)
def test_a_choice(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(RANKED[name]))


def test_a_choice_along_a_dimension_has_torchs_names() -> None:
    found = find_function("max").apply((tensor(2, 3), 1), {})
    assert (found.values.shape, found.indices.dtype) == ((2,), "int64")
    assert find_function("aminmax").apply((tensor(2, 3),), {}).max.shape == ()


def test_a_mean_of_whole_numbers_says_how_to_convert_them() -> None:
    with pytest.raises(Refusal, match=r"mean takes floats, but int64 arrives: float\(\) converts"):
        find_function("mean").apply((tensor(2, 3, dtype="int64"), 1), {})


def test_reductions_keep_symbols() -> None:
    H = symbol("H")
    assert find_function("mean").apply((Tensor((N, 8, H, H)), (2, 3)), {}).shape == (N, 8)
    assert find_function("topk").apply((Tensor((N, H)), 1), {}).values.shape == (N, 1)
    unique = find_function("unique").apply((Tensor((N, H)),), {})
    assert str(unique.shape[0]).startswith("unique")
