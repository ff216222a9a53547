"""The operations that accept storage dtypes, which torch has few kernels for: uint16, float8, quint8 …

The lists come from runs of torch 2.13 on a CPU. A rule that is not listed refuses such a tensor: torch has no
kernel for most, and for the rest nnshape's rule does not know the dtype of the result.
"""

from __future__ import annotations

from collections.abc import Iterable

from nnshape.shapes.dtypes import QUANTIZED, STORED, DType
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in

_ANY = frozenset({
    "contiguous", "cpu", "detach", "dim", "element_size", "flatten", "is_complex", "is_floating_point", "ndimension",
    "nelement", "new_empty", "numel", "ravel", "size", "unflatten", "Flatten", "Identity", "Unflatten",
})  # fmt: skip
_NOT_QUANTIZED = frozenset({
    "atleast_1d", "atleast_2d", "atleast_3d", "bfloat16", "bool", "broadcast_to", "byte", "cat", "cdouble", "cfloat",
    "chalf", "char", "chunk", "clone", "diag_embed", "diagonal", "double", "dsplit", "empty", "empty_like", "expand",
    "flip", "fliplr", "flipud", "float", "full", "full_like", "getitem", "half", "hsplit", "index_select", "int",
    "long", "meshgrid", "moveaxis", "movedim", "narrow", "new_full", "new_ones", "new_zeros", "ones", "ones_like",
    "permute", "repeat", "reshape", "roll", "rot90", "select", "short", "split", "split_with_sizes", "squeeze",
    "stack", "swapaxes", "swapdims", "t", "tensor_split", "tile", "to", "transpose", "type", "type_as", "unbind",
    "unsqueeze", "view", "vsplit", "zero_", "zeros", "zeros_like",
})  # fmt: skip


def refuse_stored(owner: str, values: Iterable[object]) -> None:
    """Raise Refusal (wrong-dtype) if the operation does not accept the storage dtype of a tensor in `values`."""
    for value in values:
        kind = type(value)
        if kind is Tensor:
            if value.dtype not in STORED:  # type: ignore[attr-defined]
                continue
            found = [value.dtype]  # type: ignore[attr-defined]
        elif kind is DType:
            found = [value] if value in STORED else []
        elif kind is tuple or kind is list:
            found = [tensor.dtype for tensor in tensors_in(value) if tensor.dtype in STORED]
        else:
            continue
        for dtype in found:
            if owner in _ANY or (owner in _NOT_QUANTIZED and dtype not in QUANTIZED):
                continue
            message = f"{owner} has no rule for {dtype}, which torch stores and hardly computes in"
            help = "take another dtype" if kind is DType else "convert it first, such as by .float()"
            raise Refusal("wrong-dtype", message, help=help)
