"""Functions that view their arguments inside torch, and so refuse some that are not contiguous."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from nnshape.shapes.dims import TooLarge
from nnshape.shapes.dtypes import result_type
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.iterating import Operand, dense_like, elementwise_strides
from nnshape.shapes.layouts.layout import MODES, Mode, Undecided, is_contiguous, less
from nnshape.shapes.layouts.viewing import VIEW_NOTE, told_modes, view_strides
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product

#: A tensor with the answer whether torch refuses its layout in a mode.
_Check = tuple[Tensor, Callable[[Mode], bool]]


def require_viewable(name: str, bound: Mapping[str, Any], result: Any) -> None:
    """Raise Refusal (not-contiguous) where torch refuses an argument of a function of `VIEWS`."""
    for tensor, refuses in VIEWS[name](bound, result):
        refused = [mode for mode in MODES if _decided(refuses, mode)]
        if refused:
            message = f"{{layer}} needs a contiguous tensor, but {tensor} arrives with other strides"
            note = _PRESERVED if name == "contiguous" else VIEW_NOTE
            raise Refusal("not-contiguous", message + told_modes(refused), note=note, tensor=tensor, help=_HELP[name])


def _decided(refuses: Callable[[Mode], bool], mode: Mode) -> bool:
    try:
        return refuses(mode)
    except (Undecided, TooLarge):
        return False


def _operand(tensor: Tensor, mode: Mode) -> Operand:
    """The shape and strides of a tensor. Raises Undecided where they are unknown."""
    layout = layout_of(tensor, mode)
    if layout is None:
        raise Undecided
    return tensor.shape, layout.strides


def _is_not_flat(tensor: Tensor, mode: Mode) -> bool:
    shape, strides = _operand(tensor, mode)
    return view_strides(shape, strides, (product(shape),)) is None


def _taken(bound: Mapping[str, Any], result: Any) -> Iterator[_Check]:
    """Without a `dim`, both arguments are viewed in one dimension."""
    for name in ("input", "indices") if bound["dim"] is None else ():
        yield bound[name], partial(_is_not_flat, bound[name])


def _compared(bound: Mapping[str, Any], result: Any) -> Iterator[_Check]:
    """Few elements are compared with each other: `isin` in ATen/native/TensorCompare.cpp."""
    elements, tests = bound["elements"], bound["test_elements"]

    def refuses(mode: Mode) -> bool:
        count = product(elements.shape)
        if not isinstance(count, int) or not less(product(tests.shape), int(10 * count**0.145)):
            raise Undecided
        shape, strides = _operand(tests, mode)
        if result_type(elements, tests) != tests.dtype:
            strides = dense_like(shape, strides)  # torch converts it first
        return view_strides(shape, strides, (product(shape),)) is None

    if isinstance(elements, Tensor) and isinstance(tests, Tensor):
        yield tests, refuses


def kron_strides(tensors: tuple[Tensor, Tensor], result: Tensor, strides_of: Callable[[Tensor], Shape]) -> Shape | None:
    """The strides of a Kronecker product, a view of an elementwise one; None where torch refuses it."""
    shape, rank = result.shape, result.ndim
    wide: list[Operand] = []
    for place, tensor in enumerate(tensors):
        own, strides = tensor.shape, strides_of(tensor)
        sizes = (1,) * (rank - len(own)) + own
        target = tuple(size for pair in sizes for size in ((pair, 1) if place == 0 else (1, pair)))
        viewed = view_strides(own, strides, target)
        assert viewed is not None  # only sizes of 1 are inserted
        if tensor.dtype != result.dtype:
            viewed = dense_like(target, viewed)  # torch converts it first
        wide.append((target, viewed))
    product_shape = tuple(one * two for one, two in zip(wide[0][0], wide[1][0], strict=True))
    return view_strides(product_shape, elementwise_strides(product_shape, wide), shape)


def _multiplied(bound: Mapping[str, Any], result: Any) -> Iterator[_Check]:
    input, other = bound["input"], bound["other"]

    def refuses(mode: Mode) -> bool:
        return kron_strides((input, other), result, lambda tensor: _operand(tensor, mode)[1]) is None

    one = all(is_contiguous(*_operand(input, mode)) for mode in MODES if layout_of(input, mode) is not None)
    yield (other if one else input), refuses


def _normalized(bound: Mapping[str, Any], result: Any) -> Iterator[_Check]:
    """The square of the input is viewed with the dimensions after the third in one."""
    input = bound["input"]

    def refuses(mode: Mode) -> bool:
        shape, strides = _operand(input, mode)
        target = (shape[0], 1, *shape[1:3], product(shape[3:]))
        return view_strides(shape, dense_like(shape, strides), target) is None

    if input.ndim > 4:
        yield input, refuses


def _made_contiguous(bound: Mapping[str, Any], result: Any) -> Iterator[_Check]:
    """`preserve_format` is taken of a contiguous tensor only, which is returned."""
    if str(bound["memory_format"]) == "preserve_format":
        yield bound["input"], lambda mode: not is_contiguous(*_operand(bound["input"], mode))


#: The functions, with what each refuses.
VIEWS: dict[str, Callable[[Mapping[str, Any], Any], Iterator[_Check]]] = {
    "contiguous": _made_contiguous,
    "isin": _compared,
    "kron": _multiplied,
    "local_response_norm": _normalized,
    "take_along_dim": _taken,
}
_PRESERVED = "preserve memory format is unsupported by the contiguous operator"
_HELP = dict.fromkeys(VIEWS, "call contiguous() on it first") | {"contiguous": "leave out memory_format"}
