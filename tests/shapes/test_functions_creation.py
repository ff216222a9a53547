"""Tensors made of numbers against torch's own, on the CPU."""

from __future__ import annotations

from gate import held
from hypothesis import strategies as st
from operands import call_of, case, check_call, dtypes, flags, given_dtypes, numbers, positive, tensors

from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function

ends = st.one_of(st.integers(-6, 8), st.sampled_from([0.5, 2.5, -1.5, 3.0, True]))
size = st.lists(st.integers(-1, 4), max_size=3).map(tuple)
listed = st.lists(st.integers(-1, 4), min_size=1, max_size=3).map(tuple)
typed = {"dtype": given_dtypes, "requires_grad": flags}
whole_or_float = given_dtypes.filter("complex64".__ne__)
fills = st.sampled_from([0, True, 2.5, 1j, float("inf"), -1, 300, -1e9, 1e39])
window = case(st.integers(-1, 4), periodic=flags, dtype=whole_or_float)
number = st.sampled_from([1, 2.5, True, 1j])
steps = st.integers(-1, 4)
ends_as_tensors = st.one_of(tensors(0, 0, dtypes), tensors(0, 2, dtypes, st.just(1)))

CREATED = {
    **{name: st.one_of(call_of(listed), case(size, **typed)) for name in ("zeros", "ones", "empty")},
    **{name: st.one_of(call_of(listed), case(size, dtype=given_dtypes)) for name in ("rand",)},
    "randn": case(st.lists(positive, max_size=3).map(tuple), dtype=given_dtypes),
    "full": st.one_of(case(size, numbers), case(size, fills, dtype=given_dtypes)),
    "eye": st.one_of(case(st.integers(-1, 4), **typed), case(st.integers(-1, 4), st.integers(-1, 4))),
    "arange": st.one_of(case(ends), case(ends, ends), case(ends, ends, ends), case(ends, ends, dtype=given_dtypes)),
    **{name: case(tensors(0, 2, dtypes), **typed) for name in ("zeros_like", "ones_like", "empty_like")},
    **{name: case(tensors(0, 2, dtypes, positive), dtype=given_dtypes) for name in ("rand_like", "randn_like")},
    "full_like": case(tensors(0, 2, dtypes), fills, dtype=given_dtypes),
    **{name: case(tensors(0, 1, dtypes), size, **typed) for name in ("new_zeros", "new_ones", "new_empty")},
    "new_full": case(tensors(0, 1, dtypes), size, fills, dtype=given_dtypes),
    "randint": st.one_of(
        case(st.integers(-1, 3), size),
        case(st.integers(-3, 3), st.integers(-3, 3), size),
        case(st.integers(1, 3), size, dtype=given_dtypes),
    ),
    "randperm": case(st.integers(-1, 4), **typed),
    "linspace": st.one_of(
        case(st.sampled_from([0, 1, 2.5, -3, 1j]), st.sampled_from([0, 1, 2.5]), steps, dtype=given_dtypes),
        case(st.sampled_from([0, 1]), ends_as_tensors, steps, dtype=given_dtypes),
        case(ends_as_tensors, st.sampled_from([0, 1]), steps, dtype=given_dtypes),
        case(ends_as_tensors, ends_as_tensors, steps, **typed),
    ),
    # A single step is computed by another kernel, which minds when 10**2.5 overflows.
    "logspace": st.one_of(
        case(st.sampled_from([0, 1, -3]), st.sampled_from([0, 1, 2.5]), steps, dtype=given_dtypes),
        case(ends_as_tensors, st.sampled_from([0, 1]), steps, dtype=given_dtypes),
        case(ends_as_tensors, ends_as_tensors, steps, st.sampled_from([2, 10.0]), **typed),
    ),
    **{f"{name}_window": window for name in ("hann", "hamming", "blackman", "bartlett")},
    "tril_indices": case(st.integers(-1, 5), st.integers(-1, 5), st.integers(-6, 6)),
    "triu_indices": case(st.integers(-1, 5), st.integers(-1, 5), st.integers(-6, 6)),
    "tensor": st.one_of(
        case(number),
        case(st.lists(number, max_size=3)),
        case(st.lists(st.lists(number, min_size=1, max_size=2), min_size=1, max_size=3)),
        case(number, dtype=given_dtypes),
        positive.flatmap(lambda n: case(st.lists(st.lists(number, min_size=n, max_size=n), min_size=1, max_size=3))),
    ),
    "fftfreq": case(st.integers(-2, 6), st.sampled_from([1.0, 2, 0.5, -1.0]), dtype=given_dtypes),
    # Left out: numbers below 0, of which torch makes a size or not, as they are rounded.
    "rfftfreq": case(st.integers(0, 6), st.sampled_from([1.0, 2, 0.5, -1.0]), dtype=given_dtypes),
}


@held(*CREATED)
def test_a_tensor_made_of_numbers(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(CREATED[name]))


def test_arange_knows_the_bounds_of_its_values() -> None:
    arange, T = find_function("arange"), symbol("T")
    assert arange.apply((1025,), {}).span == (0, 1024)
    assert arange.apply((2, 9, 3), {}).span == (2, 8)
    assert arange.apply((9, 2, -3), {}).span == (3, 9)
    assert arange.apply((T,), {}).span == (0, T - 1)
    assert arange.apply((2.0,), {}).span is None
    assert arange.apply((T, 2 * T), {}).shape == (T,)


def test_a_triangle_of_symbolic_size() -> None:
    T = symbol("T")
    rows, count = find_function("tril_indices").apply((T, T), {}).shape
    assert rows == 2
    assert (count - (T * T + T) // 2) == 0
