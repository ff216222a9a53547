"""`index_put` and `index_put_` against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

from conformance import tensor
from gate import held
from hypothesis import strategies as st
from operands import check_call, flags, mostly_float, positive, shapes

from nnshape.shapes.dtypes import is_complex

whole = st.sampled_from(["int64"] * 6 + ["int32", "float32"])
kinds = st.sampled_from(["int64", "bool", "bool", "bool", "uint8"])


@st.composite
def puts(draw: Any) -> tuple[tuple, dict]:
    """A tensor, indices that mostly fit, and values that mostly broadcast to what they select."""
    shape = draw(shapes(0, 4, positive))
    indices, left, masked = [], list(shape), draw(flags)
    # The masks of the run select no element, which broadcasts with 1 alone.
    common = draw(shapes(0, 2, st.integers(1, 1 if masked else 3)))
    for _ in range(draw(st.integers(1, 3))):
        dtype = draw(kinds if masked else whole)
        if dtype in ("bool", "uint8"):
            own = [left.pop(0) for _ in range(min(draw(st.integers(1, 2)), len(left)))]
            if own and draw(st.integers(0, 8)) == 0:
                own[-1] += 1
        else:
            own = [1 if draw(st.integers(0, 3)) == 0 else size for size in common]
            del left[:1]
        indices.append(tensor(*own, dtype=dtype))
        if draw(flags):
            break
    values = [1 if draw(st.integers(0, 3)) == 0 else size for size in (*common, *left)]
    if masked:  # the rule does not know how many elements a mask selects
        values[: len(common)] = [1] if draw(flags) else []
    values = values[draw(st.integers(0, len(values))) :] if draw(flags) else values
    if not masked and draw(st.integers(0, 8)) == 0:
        values = list(draw(shapes(0, 3, st.integers(0, 3))))
    dtype = draw(mostly_float)
    given = dtype if draw(st.integers(0, 6)) else draw(mostly_float)
    call = (tensor(*shape, dtype=dtype), tuple(indices), tensor(*values, dtype=given))
    return call, draw(st.fixed_dictionaries({}, optional={"accumulate": flags}))


def _is_zero_of_complex(call: tuple[tuple, dict]) -> bool:
    """Whether torch would convert a complex 0 to a real one: it refuses other complex numbers, as the rule does all."""
    (input, indices, values), _ = call
    return is_complex(values.dtype) and not is_complex(input.dtype) and len(indices) == 1


@held("index_put", most=200, written=True)
def test_elements_written_by_index(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(puts().filter(lambda call: not _is_zero_of_complex(call))))
