"""Which kernel torch's CPU takes for a convolution of three dimensions: only that of oneDNN keeps channels-last.

`use_mkldnn` in ATen/native/Convolution.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

from nnshape.shapes.dims import Size
from nnshape.shapes.layouts.applied import Applied, UnknownLayout
from nnshape.shapes.layouts.layout import less, same
from nnshape.shapes.tensor import Tensor, product

#: From this many samples on, torch takes oneDNN for kernels of size 1 with one thread, too.
_SAMPLES = 16
#: The number of elements of a sample, without its last dimension, that is enough work for oneDNN.
_ELEMENTS = 20_480


def takes_onednn(applied: Applied) -> bool:
    """Whether torch takes the kernel of oneDNN. Raises UnknownLayout if that depends on the machine, and Undecided."""
    input, *weights = applied.operands
    if input.dtype == "float64":
        return False
    if input.dtype != "float32" or applied.arguments.get("padding_mode", "zeros") != "zeros":
        raise UnknownLayout  # half precision depends on the processor, and padding has kernels of its own
    shape = input.shape if input.ndim == 5 else (1, *input.shape)
    kernel = _kernel(applied, weights)
    stride, dilation = _triple(applied["stride"]), _triple(applied["dilation"])
    if "transpose" in applied.name and any(
        not less(padding, step) for padding, step in zip(_triple(applied["output_padding"]), stride, strict=True)
    ):
        return False
    if not (
        not same(applied["groups"], 1)
        or all(less(3, size) for size in kernel[1:])
        or less(1, shape[0])
        or less(_ELEMENTS, product(shape[:4]))
    ):
        return False
    wide = any(not same(size, 1) for size in (*stride, *dilation, *kernel[1:]))
    if not wide and less(shape[0], _SAMPLES):
        raise UnknownLayout  # it depends on the number of threads
    return True


def _kernel(applied: Applied, weights: Sequence[Tensor]) -> Sequence[Size]:
    given = applied.arguments.get("kernel_size")
    return weights[0].shape[2:] if given is None else _triple(given)


def _triple(given: Size | Sequence[Size]) -> Sequence[Size]:
    found = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    return found * 3 if len(found) == 1 else found
