"""One map, and one walk, over values inside values."""

from collections import namedtuple

import pytest

from nnshape.shapes.nested import leaves_in, map_nested
from nnshape.shapes.tensor import Tensor, tensors_in

Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "mapped", "leaves"),
    [
        (1, 2, [1]),
        ((), (), []),
        ((1, [2, ()]), (2, [3, ()]), [1, 2]),
        ({"a": 1, "b": (2, {"c": 3})}, {"a": 2, "b": (3, {"c": 4})}, [1, 2, 3]),
        (Pair(1, Pair(2, 3)), Pair(2, Pair(3, 4)), [1, 2, 3]),
    ],
)
def test_containers_keep_their_type_and_order(value, mapped, leaves):
    changed = map_nested(lambda leaf: leaf + 1, value)
    assert (changed, type(changed)) == (mapped, type(mapped))
    assert list(leaves_in(value)) == leaves


def test_a_slice_is_mapped_too():
    assert map_nested(lambda leaf: None if leaf is None else leaf + 1, (slice(1, None, 2),)) == (slice(2, None, 3),)


def test_the_tensors_of_a_value_come_in_order():
    first, second = Tensor((1,)), Tensor((2,))
    assert list(tensors_in({"a": [first, 3], "b": (None, second)})) == [first, second]
