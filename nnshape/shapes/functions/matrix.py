"""Products of matrices and vectors: https://pytorch.org/docs/stable/torch.html#blas-and-lapack-operations.

One multiply-accumulate counts for each element of the result and each term of its sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes
from nnshape.shapes.broadcasting import broadcast, shared_size
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtype_names import c_name, scalar_name
from nnshape.shapes.dtypes import DType, promote, result_type
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product, shape_text
from nnshape.shapes.windows import torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole


def multiplied_dtype(*tensors: Tensor, names: tuple[str, ...] = ("input", "other"), note: str = "") -> DType:
    """The common dtype of factors. Raises Refusal (wrong-dtype) if they differ or torch has no product for it.

    `note` is torch's message for two that differ.
    """
    dtype = tensors[0].dtype
    for tensor, name in zip(tensors, names, strict=False):
        if tensor.dtype != dtype:
            message = f"{{layer}} multiplies tensors of one dtype, but {dtype} and {tensor.dtype} arrive"
            raise Refusal("wrong-dtype", message, name, note=note)
    if dtype == "bool":
        raise Refusal("wrong-dtype", "torch has no matrix product of bools", names[0])
    return dtype


def _dtypes_differ(input: Tensor, other: Tensor) -> str:
    """torch's message for two factors of different dtypes, by the product that their ranks ask for."""
    ranks = min(len(input.shape), 3), min(len(other.shape), 3)
    one, two = input.dtype, other.dtype
    if ranks == (1, 1):
        return f"dot : expected both vectors to have same dtype, but found {scalar_name(one)} and {scalar_name(two)}"
    if ranks[1] == 1:
        vector, matrix = scalar_name(two), scalar_name(one)
        return f"addmv input tensors must have the same dtype, but got {vector}, {matrix}, and {vector}"
    if ranks[1] == 2:
        return f"expected m1 and m2 to have the same dtype, but got: {c_name(one)} != {c_name(two)}"
    return f"expected scalar type {scalar_name(one)} but found {scalar_name(two)}"


def _require_rank(tensor: Tensor, rank: int, name: str, kind: str, note: str = "") -> None:
    if len(tensor.shape) != rank:
        message = (
            f"{{layer}} wants a {kind} of {rank} dimension{'s' if rank > 1 else ''} as {name}, but {tensor} arrives"
        )
        raise Refusal("wrong-rank", message, name, note=note)


def _inner_mismatch(input: Tensor, other: Tensor, wanted: Size, arrives: Size, argument: str = "other") -> Refusal:
    message = (
        f"cannot multiply {shape_text(input.shape)} by {shape_text(other.shape)}: "
        f"rows of {wanted} meet columns of {arrives}"
    )
    rows = product(input.shape[:-1])
    if len(input.shape) == len(other.shape) == 1:
        note = (
            f"inconsistent tensor size, expected tensor [{wanted}] and src [{arrives}] to have the same number of "
            f"elements, but got {wanted} and {arrives} elements respectively"
        )
    elif len(other.shape) == 1:
        note = f"size mismatch, got input ({rows}), mat ({rows}x{wanted}), vec ({arrives})"
    elif len(other.shape) == 2:
        note = f"mat1 and mat2 shapes cannot be multiplied ({rows}x{wanted} and {arrives}x{other.shape[-1]})"
    else:
        batch = product(broadcast(input.shape[:-2], other.shape[:-2], "multiply batches of"))
        note = (
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {wanted}] "
            f"but got: [{batch}, {arrives}]."
        )
    return Refusal("size-mismatch", message, argument, note=note)


@function(method=True, example=("matmul(x, x.transpose(-2, -1))", "6x5x3"))
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Multiplies matrices or vectors (`@`); dimensions before the last two broadcast."""
    one, two = input.shape, other.shape
    if not one or not two:
        note = f"both arguments to matmul need to be at least 1D, but they are {len(one)}D and {len(two)}D"
        message = f"{{layer}} multiplies matrices and vectors, but {input if not one else other} is a single number"
        raise Refusal("wrong-rank", message, "input" if not one else "other", note=note)
    if len(one) > 2 and len(two) > 2:
        broadcast(one[:-2], two[:-2], "multiply batches of")  # torch's first complaint
    columns = two[-2] if len(two) > 1 else two[0]
    with in_other_words(len(one) + len(two) > 2 and one[-1] != columns):  # then torch compares the sizes first
        dtype = multiplied_dtype(input, other, note=_dtypes_differ(input, other))
    if not assume_equal(one[-1], columns):
        raise _inner_mismatch(input, other, one[-1], columns)
    rows: tuple[Size, ...] = one[-2:-1]
    width: tuple[Size, ...] = two[-1:] if len(two) > 1 else ()
    if len(one) < 3 and len(two) < 3:
        return Tensor(rows + width, dtype)
    batch = broadcast(one[:-2], two[:-2], "multiply batches of")
    return Tensor(batch + rows + width, dtype)


@matmul.counts
def _matmul_macs(output: Tensor, input: Tensor, other: Tensor) -> Size:
    return output.numel() * input.shape[-1]


@function(method=True, example=("mm(x, x.t())", "[6, 5]"))
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Multiplies two matrices: [n, m] @ [m, p] -> [n, p]."""
    _require_rank(input, 2, "input", "matrix", "self must be a matrix")
    _require_rank(mat2, 2, "mat2", "matrix", "mat2 must be a matrix")
    if not assume_equal(input.shape[1], mat2.shape[0]):
        raise _inner_mismatch(input, mat2, input.shape[1], mat2.shape[0], "mat2")
    dtype = multiplied_dtype(input, mat2, names=("input", "mat2"), note=_dtypes_differ(input, mat2))
    return Tensor((input.shape[0], mat2.shape[1]), dtype)


@mm.counts
def _mm_macs(output: Tensor, input: Tensor, mat2: Tensor) -> Size:
    return output.numel() * input.shape[1]


@function(method=True, example=("bmm(x, x.transpose(1, 2))", "[4, 6, 5]"))
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Multiplies two batches of matrices: [b, n, m] @ [b, m, p] -> [b, n, p]."""
    _require_rank(input, 3, "input", "batch of matrices", "batch1 must be a 3D tensor")
    _require_rank(mat2, 3, "mat2", "batch of matrices", "batch2 must be a 3D tensor")
    if not assume_equal(input.shape[0], mat2.shape[0]):
        message = f"{{layer}} multiplies batches of one size, but {input.shape[0]} and {mat2.shape[0]} matrices arrive"
        note = (
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] "
            f"but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
        raise Refusal("size-mismatch", message, "mat2", note=note)
    if not assume_equal(input.shape[2], mat2.shape[1]):
        raise _inner_mismatch(input, mat2, input.shape[2], mat2.shape[1], "mat2")
    dtype = multiplied_dtype(input, mat2, names=("input", "mat2"), note=_dtypes_differ(input, mat2))
    return Tensor((input.shape[0], input.shape[1], mat2.shape[2]), dtype)


@bmm.counts
def _bmm_macs(output: Tensor, input: Tensor, mat2: Tensor) -> Size:
    return output.numel() * input.shape[2]


@function(method=True, example=("mv(x, y)", "[6, 5]", "[5]"))
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Multiplies a matrix and a vector: [n, m] @ [m] -> [n]."""
    ranks = f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}" if input.shape and vec.shape else ""
    _require_rank(input, 2, "input", "matrix", ranks)
    _require_rank(vec, 1, "vec", "vector", ranks)
    if not assume_equal(input.shape[1], vec.shape[0]):
        raise _inner_mismatch(input, vec, input.shape[1], vec.shape[0], "vec")
    dtype = multiplied_dtype(input, vec, names=("input", "vec"), note=_dtypes_differ(input, vec))
    return Tensor(input.shape[:1], dtype)


@mv.counts
def _mv_macs(output: Tensor, input: Tensor, vec: Tensor) -> Size:
    return input.numel()


@function(method=True, example=("dot(x, x)", "[5]"))
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Computes the dot product of two vectors."""
    ranks = f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors"
    _require_rank(input, 1, "input", "vector", ranks)
    _require_rank(tensor, 1, "tensor", "vector", ranks)
    dtype = multiplied_dtype(input, tensor, names=("input", "tensor"), note=_dtypes_differ(input, tensor))
    if not assume_equal(input.shape[0], tensor.shape[0]):
        raise _inner_mismatch(input, tensor, input.shape[0], tensor.shape[0], "tensor")
    return Tensor((), dtype)


@dot.counts
def _dot_macs(output: Tensor, input: Tensor, tensor: Tensor) -> Size:
    return input.numel()


@function(method=True, example=("vdot(x, x)", "[5]"))
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Computes the dot product of two vectors, with the first one conjugated."""
    return dot.rule(input, other)  # type: ignore[no-any-return]


@vdot.counts
def _vdot_macs(output: Tensor, input: Tensor, other: Tensor) -> Size:
    return input.numel()


@function(method=True, example=("outer(x, x)", "[5]"))
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Computes the outer product of two vectors: [n], [m] -> [n, m]."""
    _require_rank(input, 1, "input", "vector", f"outer: Expected 1-D argument self, but got {input.ndim}-D")
    _require_rank(vec2, 1, "vec2", "vector", f"outer: Expected 1-D argument vec2, but got {vec2.ndim}-D")
    return Tensor(input.shape + vec2.shape, result_type(input, vec2))


function(name="ger", method=True, example=("ger(x, x)", "[5]"))(outer.rule)


@function(method=True, example=("inner(x, x)", "6x5"))
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Multiplies and sums over the last dimensions of both; for vectors, the dot product."""
    if not input.shape or not other.shape:
        return Tensor(broadcast(input.shape, other.shape, "multiply"), result_type(input, other))
    if not assume_equal(input.shape[-1], other.shape[-1]):
        message = f"the last dimensions must be equal, but {input} and {other} arrive"
        sizes = f"{torch_shape(input)} and {torch_shape(other)}"
        note = f"inner() the last dimension must match on both input tensors but got shapes {sizes}"
        raise Refusal("size-mismatch", message, "other", note=note)
    dtype = multiplied_dtype(input, other, note="both inputs should have same dtype")
    return Tensor(input.shape[:-1] + other.shape[:-1], dtype)


@inner.counts
def _inner_macs(output: Tensor, input: Tensor, other: Tensor) -> Size:
    return output.numel() * input.shape[-1] if input.shape and other.shape else 0


@function(example=("tensordot(x, x, 4)", "6x5x3"))
def tensordot(a: Tensor, b: Tensor, dims: Whole | tuple = 2) -> Tensor:  # type: ignore[type-arg]
    """Contracts several dimensions of two tensors: multiplies and sums over them.

    dims: the number of trailing dimensions of `a` to contract with leading ones of `b`, or the dimensions of each.
    a: the left tensor.
    b: the right tensor.
    """
    left, right = _summed_dims(a, b, dims)
    dtype = multiplied_dtype(a, b, names=("a", "b"), note="both inputs should have same dtype")
    for one, two in zip(left, right, strict=True):
        if shared_size(a.shape[one], b.shape[two]) is None:
            message = f"dimension {one} of a is {a.shape[one]}, but dimension {two} of b is {b.shape[two]}"
            raise Refusal("size-mismatch", message, "dims")
    kept = [size for place, size in enumerate(a.shape) if place not in left]
    kept += [size for place, size in enumerate(b.shape) if place not in right]
    return Tensor(tuple(kept), dtype)


def _summed_dims(a: Tensor, b: Tensor, dims: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(dims, Dim):
        raise Refusal("unknown-value", f"dims (={dims}) must be a number: give its symbols values", "dims")
    if type(dims) is int:
        if not 0 <= dims <= min(len(a.shape), len(b.shape)):
            message = f"{{layer}} sums over dims (={dims}) dimensions, but {a} and {b} arrive"
            raise Refusal("invalid-argument", message, "dims")
        return tuple(range(len(a.shape) - dims, len(a.shape))), tuple(range(dims))
    if len(dims) != 2 or not all(isinstance(part, (tuple, list, int)) for part in dims):
        raise Refusal("invalid-argument", f"dims (={dims}) must be a number or a pair of tuples", "dims")
    one, two = ((part,) if type(part) is int else tuple(part) for part in dims)
    if not all(type(place) is int for place in one + two):
        raise Refusal("wrong-type", f"dims (={described(tuple(dims))}) must name dimensions by number", "dims")
    if len(one) != len(two):
        message = f"dims (={dims}) must name equally many dimensions of both"
        raise Refusal("invalid-argument", message, "dims")
    for tensor, named in ((a, one), (b, two)):
        if named and not tensor.shape:
            raise Refusal("index-error", "a single number has no dimension to sum over", "dims")
    with in_other_words(a.dtype != b.dtype):
        return axes(one, a.shape, "dims", every=False), axes(two, b.shape, "dims", every=False)


@tensordot.counts
def _tensordot_macs(output: Tensor, a: Tensor, b: Tensor, dims: Whole | tuple = 2) -> Size:  # type: ignore[type-arg]
    left, right = _summed_dims(a, b, dims)
    # Where a contracted dimension has size 1 in one tensor, torch sums the other first.
    pairs = zip(left, right, strict=True)
    return output.numel() * product(a.shape[one] for one, two in pairs if a.shape[one] != 1 and b.shape[two] != 1)


@function(method=True, example=("kron(x, x)", "[6, 5]"))
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Computes the Kronecker product."""
    longest = max(len(input.shape), len(other.shape))
    one, two = ((1,) * (longest - len(tensor.shape)) + tensor.shape for tensor in (input, other))
    dtype = promote(input.dtype, other.dtype) if longest else result_type(input, other)
    return Tensor(tuple(a * b for a, b in zip(one, two, strict=True)), dtype)
