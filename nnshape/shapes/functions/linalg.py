"""Linear algebra on batches of matrices: https://pytorch.org/docs/stable/linalg.html."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from nnshape.shapes.axes import axes, axis, plain_int
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size, minimum
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import DTYPES, REAL_OF, DType, category, is_complex, is_floating, promote
from nnshape.shapes.function import function
from nnshape.shapes.functions.matrix import mm, multiplied_dtype
from nnshape.shapes.functions.products import cheapest
from nnshape.shapes.functions.reduction import reduced, require_elements
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Tensors, Whole, Wholes


class SignAndLog(NamedTuple):
    """The result of slogdet."""

    sign: Tensor
    logabsdet: Tensor


class Eigen(NamedTuple):
    """The result of eigh."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _real(dtype: DType) -> DType:
    return DTYPES[REAL_OF.get(dtype, dtype)]


def _require_matrices(input: Tensor, name: str, *, square: bool = True, argument: str = "input") -> None:
    """Raise Refusal unless the input is matrices of floats (square ones if `square`)."""
    if len(input.shape) < 2:
        note = f"{name}: The input tensor A must have at least 2 dimensions."
        raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {input} arrives", argument, note=note)
    rows, columns = input.shape[-2:]
    if square and not assume_equal(rows, columns):
        note = f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        raise Refusal(
            "size-mismatch", f"{{layer}} takes square matrices, but {rows}x{columns} arrive", argument, note=note
        )
    if input.dtype not in ("float32", "float64", "complex64", "complex128"):
        note = f"{name}: Expected a floating point or complex tensor as input. Got {scalar_name(input.dtype)}"
        raise Refusal(
            "wrong-dtype",
            f"{{layer}} takes float32, float64 or complex, but {input.dtype} arrives",
            argument,
            note=note,
        )


def _same_shape(names: str, doc: str, *, method: bool = True) -> None:
    for name in names.split():

        def rule(input: Tensor) -> Tensor:
            _require_matrices(input, sentence)  # noqa: B023  called in the same iteration
            return input.like()

        sentence = "linalg.inv" if name == "inverse" else f"linalg.{name}"
        rule.__doc__ = doc
        function(name=name, method=method, example=(f"{name}()", "6x5x5"))(rule)


_same_shape("inverse", "Computes the inverses of square matrices.")
_same_shape("inv", "Computes the inverses of square matrices.", method=False)
_same_shape("matrix_exp", "Computes the matrix exponentials of square matrices.")


@function(method=True, example=("det()", "6x5x5"))
def det(input: Tensor) -> Tensor:
    """Computes the determinants of square matrices: [..., n, n] -> [...]."""
    _require_matrices(input, "linalg.det")
    return input.like(input.shape[:-2])


@function(method=True, example=("logdet()", "6x5x5"))
def logdet(input: Tensor) -> Tensor:
    """Computes the logarithms of determinants: [..., n, n] -> [...]."""
    _require_matrices(input, "logdet")
    return input.like(input.shape[:-2])


@function(method=True, example=("slogdet()", "6x5x5"))
def slogdet(input: Tensor) -> SignAndLog:
    """Computes the signs of determinants and the logarithms of their absolute values."""
    _require_matrices(input, "linalg.slogdet")
    return SignAndLog(input.like(input.shape[:-2]), input.like(input.shape[:-2], _real(input.dtype)))


@function(method=True, example=("cholesky()", "6x5x5"))
def cholesky(input: Tensor, upper: Flag = False) -> Tensor:
    """Computes the Cholesky factors of positive definite matrices.

    upper: whether to return the upper triangular factor.
    """
    with in_other_words(not is_floating(input.dtype) and not is_complex(input.dtype)):
        _require_matrices(input, "cholesky")
    return input.like()


@function(method=True, example=("matrix_power(2)", "6x5x5"))
def matrix_power(input: Tensor, n: Whole) -> Tensor:
    """Raises matrices to the n-th power; a negative n inverts them first.

    n: the exponent, an integer.
    """
    power = plain_int(n, "n")
    if len(input.shape) < 2:
        raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {input} arrives", "input")
    if not assume_equal(input.shape[-2], input.shape[-1]):
        raise Refusal("size-mismatch", f"{{layer}} takes square matrices, but {input} arrives", "input")
    if power < 0:
        _require_matrices(input, "linalg.matrix_power")
    elif power > 1:
        multiplied_dtype(input)
    return input.like()


@matrix_power.counts
def _matrix_power_macs(output: Tensor, input: Tensor, n: Whole) -> Size:
    # One product per squaring and one per further set bit of n, as in torch.
    power = abs(plain_int(n, "n"))
    products = power.bit_length() + power.bit_count() - 2 if power else 0
    return products * product(output.shape) * output.shape[-1]


@function(example=("eigh()", "6x5x5"))
def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """Computes the eigenvalues and eigenvectors of symmetric matrices."""
    with in_other_words(category(A.dtype) < 2):
        _require_matrices(A, "linalg.eigh", argument="A")
    return Eigen(A.like(A.shape[:-1], _real(A.dtype)), A.like())


@function(example=("eigvalsh()", "6x5x5"))
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Computes the eigenvalues of symmetric matrices."""
    with in_other_words(category(A.dtype) < 2):
        _require_matrices(A, "linalg.eigh", argument="A")
    return A.like(A.shape[:-1], _real(A.dtype))


@function(example=("svdvals()", "6x5x3"))
def svdvals(A: Tensor) -> Tensor:
    """Computes the singular values of matrices."""
    _require_matrices(A, "linalg.svd", square=False, argument="A")
    return A.like((*A.shape[:-2], minimum(*A.shape[-2:])), _real(A.dtype))


@function(method=True, example=("pinverse()", "6x5x3"))
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Computes the pseudoinverses of matrices.

    rcond: the cutoff for singular values, relative to the largest.
    """
    with in_other_words():
        _require_matrices(input, "linalg.pinv", square=False)
    *batch, rows, columns = input.shape
    return input.like((*batch, columns, rows))


@function(example=("vector_norm(2, 1)", "6x5x5"))
def vector_norm(
    x: Tensor, ord: float = 2, dim: Wholes | None = None, keepdim: Flag = False, *, dtype: DType | None = None
) -> Tensor:
    """Computes the vector norm over dimensions, or over all elements.

    ord: the order of the norm.
    dim: the dimensions to reduce; all if None.
    """
    chosen = DTYPES[dtype or x.dtype]
    if category(x.dtype) < 2 or category(chosen) < 2 or is_complex(x.dtype) != is_complex(chosen):
        note = f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {scalar_name(x.dtype)}"
        if category(x.dtype) > 1:
            note = ""
        raise Refusal("wrong-dtype", f"{{layer}} takes floats, but {x.dtype} arrives: float() converts", "x", note=note)
    if promote(x.dtype, chosen) != chosen:
        raise Refusal("wrong-dtype", f"{{layer}} computes {x.dtype} in no narrower dtype, such as {chosen}", "dtype")
    places = axes(dim, x.shape)
    if isinstance(ord, (int, float)) and (ord < 0 or ord == float("inf")):
        require_elements(x, places, "linalg.vector_norm")
    return Tensor(reduced(x.shape, places, keepdim), _real(chosen))


@function(example=("vecdot(x, x)", "6x5"))
def vecdot(x: Tensor, y: Tensor, *, dim: Whole = -1) -> Tensor:
    """Computes the dot products of vectors along a dimension.

    x: the first operand.
    y: the second operand.
    """
    with in_other_words(len(x.shape) == len(y.shape) == 1 or category(x.dtype) < 2 or x.dtype != y.dtype):
        shape = broadcast(x.shape, y.shape, "multiply", "y")
    both_vectors = len(x.shape) == len(y.shape) == 1
    with in_other_words(category(x.dtype) < 2 or x.dtype != y.dtype):
        place = 0 if both_vectors else axis(dim, shape)  # torch ignores dim for two vectors
    if both_vectors and not assume_equal(x.shape[0], y.shape[0]):
        raise Refusal("size-mismatch", f"{{layer}} multiplies vectors of one length, but {x} and {y} arrive", "y")
    if category(x.dtype) < 2:
        note = f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {scalar_name(x.dtype)}"
        raise Refusal("wrong-dtype", f"{{layer}} takes floats, but {x.dtype} arrives: float() converts", "x", note=note)
    return Tensor(reduced(shape, (place,), False), multiplied_dtype(x, y, names=("x", "y")))


@function(example=("multi_dot([x, x])", "[5, 5]"))
def multi_dot(tensors: Tensors) -> Tensor:
    """Multiplies matrices in the cheapest order; the first and the last may be vectors."""
    if len(tensors) < 2:
        message = f"{{layer}} multiplies two matrices or more, but {len(tensors)} arrive"
        raise Refusal("missing-argument", message, "tensors")
    ends = (0, len(tensors) - 1)
    for number, tensor in enumerate(tensors):
        if len(tensor.shape) != 2 and not (len(tensor.shape) == 1 and number in ends):
            raise Refusal("wrong-rank", f"{{layer}} multiplies matrices, but {tensor} arrives", "tensors")
    with in_other_words():
        found = reduce(mm.rule, _as_matrices(tensors))
    rows = found.shape[:1] if len(tensors[0].shape) == 2 else ()
    columns = found.shape[1:] if len(tensors[-1].shape) == 2 else ()
    return found.like(rows + columns)


def _as_matrices(tensors: Tensors) -> list[Tensor]:
    """The tensors, with a vector at either end as a matrix with one row or column."""
    first, *rest, last = tensors
    first = first if len(first.shape) == 2 else first.like((1, *first.shape))
    last = last if len(last.shape) == 2 else last.like((*last.shape, 1))
    return [first, *rest, last]


@multi_dot.counts
def _multi_dot_macs(output: Tensor, tensors: Tensors) -> Size:
    matrices = _as_matrices(tensors)
    return cheapest([*(matrix.shape[0] for matrix in matrices), matrices[-1].shape[1]])
