"""Products with an added term, and distances: https://pytorch.org/docs/stable/torch.html#blas-and-lapack-operations."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.broadcasting import broadcast, expand_sentence, must_expand
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import promote
from nnshape.shapes.function import function
from nnshape.shapes.functions.matrix import bmm, mm, multiplied_dtype, mv
from nnshape.shapes.functions.pointwise import check_scale
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import COMPUTED_IN, require_room
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Number, Whole


def _added(input: Tensor, found: Tensor, beta: Number, alpha: Number) -> Tensor:
    """The sum of an input and a product, of the product's shape and dtype."""
    if input.dtype != found.dtype:
        raise Refusal("wrong-dtype", f"{{layer}} adds {input.dtype} to {found.dtype}: they must be equal", "input")
    must_expand(input.shape, found.shape, "add", "input", expand_sentence)
    require_room(COMPUTED_IN.get(found.dtype, found.dtype), beta=beta, alpha=alpha)
    return found


@function(method=True, example=("addmm(x, x, x.t())", "[5, 5]"))
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Computes beta * input + alpha * (mat1 @ mat2)."""
    with in_other_words(not mat1.ndim == mat2.ndim == 2 or len({input.dtype, mat1.dtype, mat2.dtype}) > 1):
        found = mm.rule(mat1, mat2)
    return _added(input, found, beta, alpha)


@addmm.counts
def _addmm_macs(output: Tensor, input: Tensor, mat1: Tensor, mat2: Tensor, **scales: object) -> Size:
    return output.numel() * mat1.shape[1]


@function(method=True, example=("addmv(x, matrix, y)", "[6]", "[6, 5]", "[5]"))
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Computes beta * input + alpha * (mat @ vec)."""
    with in_other_words():
        found = mv.rule(mat, vec)
    found = _added(input, found, beta, alpha)
    require_room(found.dtype, beta=beta, alpha=alpha)  # in half precision too, where the others compute in float32
    return found


@addmv.counts
def _addmv_macs(output: Tensor, input: Tensor, mat: Tensor, vec: Tensor, **scales: object) -> Size:
    return mat.numel()


@function(method=True, example=("addr(x, y, y)", "[5, 5]", "[5]"))
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Computes beta * input + alpha * outer(vec1, vec2)."""
    for name, vec in (("vec1", vec1), ("vec2", vec2)):
        if len(vec.shape) != 1:
            raise Refusal("wrong-rank", f"{{layer}} wants a vector as {name}, but {vec} arrives", name)
    shape = vec1.shape + vec2.shape
    with in_other_words(input.ndim > 2):
        must_expand(input.shape, shape, "add", "input", expand_sentence)
    dtype = promote(input.dtype, promote(vec1.dtype, vec2.dtype))
    for name, scale in (("beta", beta), ("alpha", alpha)):
        check_scale(scale, dtype, name)
    return Tensor(shape, dtype)


@function(method=True, example=("baddbmm(x, x, x)", "[4, 5, 5]"))
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Computes beta * input + alpha * (batch1 @ batch2), per matrix of a batch."""
    with in_other_words():
        found = bmm.rule(batch1, batch2)
    return _added(input, found, beta, alpha)


@baddbmm.counts
def _baddbmm_macs(output: Tensor, input: Tensor, batch1: Tensor, batch2: Tensor, **scales: object) -> Size:
    return output.numel() * batch1.shape[2]


@function(method=True, example=("addbmm(x, y, y)", "[5, 5]", "[4, 5, 5]"))
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Computes beta * input + alpha * the sum over the batch of batch1 @ batch2."""
    with in_other_words():
        found = bmm.rule(batch1, batch2)
    return _added(input, Tensor(found.shape[1:], found.dtype), beta, alpha)


@addbmm.counts
def _addbmm_macs(output: Tensor, input: Tensor, batch1: Tensor, batch2: Tensor, **scales: object) -> Size:
    return output.numel() * batch1.shape[0] * batch1.shape[2]


def _require_three(input: Tensor, other: Tensor, shape: Shape, dim: Size, name: str = "dim") -> None:
    place = axis(dim, shape)
    if not assume_equal(input.shape[place], 3) or not assume_equal(other.shape[place], 3):
        sizes = f"{input.shape[place]} and {other.shape[place]}"
        note = f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes}"
        message = f"{{layer}} multiplies vectors of 3, but dimension {dim} of {input} and {other} is not 3"
        raise Refusal("size-mismatch", message, name, note=note)


@function(method=True, example=("cross(x, x, 0)", "[3, 5]"))
def cross(input: Tensor, other: Tensor, dim: Whole | None = None) -> Tensor:
    """Computes the cross product of vectors of size 3.

    dim: the dimension of size 3; the first such dimension if None.
    """
    if len(input.shape) != len(other.shape):
        note = "linalg.cross: inputs must have the same number of dimensions."
        raise Refusal(
            "wrong-rank", f"{{layer}} wants tensors of one rank, but {input} and {other} arrive", "other", note=note
        )
    if dim is None:
        dim = next((place for place, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            message = f"{{layer}} finds no dimension of size 3 in {input}"
            raise Refusal("size-mismatch", message, "input", note="no dimension of size 3 in input")
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} multiplies vectors, but a single number arrives", "input")
    _require_three(input, other, input.shape, dim)
    dtype = multiplied_dtype(input, other)
    return Tensor(broadcast(input.shape, other.shape, "cross"), dtype)


#: Finding the cheapest order of this many matrices takes about 100,000 steps.
MAX_MATRICES = 100


@function(example=("chain_matmul(x, x)", "[5, 5]"))
def chain_matmul(*matrices: Tensor) -> Tensor:
    """Multiplies a chain of matrices in the cheapest order.

    matrices: the matrices, in order.
    """
    if not matrices:
        raise Refusal("missing-argument", "chain_matmul takes one or more matrices", "matrices")
    for matrix in matrices:
        if len(matrix.shape) != 2:
            raise Refusal("wrong-rank", f"{{layer}} multiplies matrices, but {matrix} arrives", "matrices")
    with in_other_words():
        return reduce(mm.rule, matrices)


def cheapest(sizes: list[Size]) -> Size:
    """The minimum number of multiplications for a chain of matrices, in torch's order."""
    count = len(sizes) - 1
    if count > MAX_MATRICES:
        raise Refusal("too-large", f"{{layer}} orders {MAX_MATRICES} matrices at most, not {count:,}")
    if not all(type(size) is int for size in sizes):
        total: Size = 0
        for place in range(1, count):
            total = total + sizes[0] * sizes[place] * sizes[place + 1]
        return total
    spend(count**3 // 8)
    best: dict[tuple[int, int], Any] = {}
    for length in range(1, count + 1):
        for start in range(count - length + 1):
            end = start + length - 1
            best[start, end] = min(
                (
                    best[start, cut] + best[cut + 1, end] + sizes[start] * sizes[cut + 1] * sizes[end + 1]
                    for cut in range(start, end)
                ),
                default=0,
            )
    fewest: int = best[0, count - 1]
    return fewest


@chain_matmul.counts
def _chain_macs(output: Tensor, *matrices: Tensor) -> Size:
    return cheapest([*(matrix.shape[0] for matrix in matrices), matrices[-1].shape[1]])


_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


@function(example=("cdist(x, x)", "6x5x3"))
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Computes the p-norm distance between each pair of rows: [B, P, M], [B, R, M] -> [B, P, R].

    p: the degree of the norm.
    compute_mode: the method of computation; does not change shapes.
    """
    for name, tensor in (("x1", x1), ("x2", x2)):
        if len(tensor.shape) < 2:
            note = f"cdist only supports at least 2D tensors, {name.upper()} got: {tensor.ndim}D"
            raise Refusal(
                "wrong-rank", f"{{layer}} takes rows of points, but {tensor} arrives as {name}", name, note=note
            )
    if not assume_equal(x1.shape[-1], x2.shape[-1]):
        note = f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        message = f"{{layer}} compares points of one width, but {x1.shape[-1]} and {x2.shape[-1]} arrive"
        raise Refusal("size-mismatch", message, "x2", note=note)
    for name, tensor in (("x1", x1), ("x2", x2)):
        if tensor.dtype not in ("float32", "float64") or tensor.dtype != x1.dtype:
            message = f"{{layer}} takes float32 or float64 of one dtype, but {tensor.dtype} arrives"
            raise Refusal("wrong-dtype", message, name)
    if compute_mode not in _MODES:
        message = f"there is no compute_mode {compute_mode!r}: {', '.join(_MODES)}"
        raise Refusal("invalid-argument", message, "compute_mode")
    if not isinstance(p, Dim) and not p >= 0:
        raise Refusal(
            "invalid-argument", f"p must be 0 or more, not {p}", "p", note="cdist only supports non-negative p values"
        )
    batch = broadcast(x1.shape[:-2], x2.shape[:-2], "compare batches of", "x2")
    return Tensor((*batch, x1.shape[-2], x2.shape[-2]), x1.dtype)
