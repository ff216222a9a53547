"""Dtypes, copies and sizes: https://pytorch.org/docs/stable/tensors.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.dtypes import COMPLEX_OF, DTYPES, REAL_OF, DType, is_complex, is_floating, is_integral
from nnshape.shapes.function import function
from nnshape.shapes.memory_formats import check_format
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Whole
    from nnshape.shapes.dims import Size
    from nnshape.shapes.layer_base import Device
    from nnshape.shapes.memory_formats import MemoryFormat


def converted(input: Tensor, dtype: DType | None) -> Tensor:
    """The same values in another dtype; known bounds of integers stay known."""
    if dtype is None or dtype == input.dtype:
        return Tensor(input.shape, input.dtype, input.span)
    return Tensor(input.shape, DTYPES[dtype], input.span if is_integral(dtype) else None)


@function(only_method=True, example=("to(float64)", "6x5x5"))
def to(
    input: Tensor,
    target: DType | Device | Tensor | None = None,
    dtype: DType | Flag | None = None,
    non_blocking: Flag = False,
    copy: Flag = False,
    *,
    other: Tensor | None = None,
    device: Device | None = None,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """Converts to a dtype or a device, or to those of another tensor.

    target: a dtype, a device or a tensor.
    dtype: the dtype, if `target` is a device.
    copy: whether to copy even if nothing changes.
    """
    check_format(input, memory_format)
    like = target if isinstance(target, Tensor) else other
    if like is not None:
        return converted(input, like.dtype)
    if isinstance(target, DType):
        return converted(input, target)
    return converted(input, dtype if isinstance(dtype, DType) else None)


@function(name="type", only_method=True, example=("type(float64)", "6x5x5"))
def type_(input: Tensor, dtype: DType, non_blocking: Flag = False) -> Tensor:
    """Converts to a dtype."""
    return converted(input, dtype)


@function(only_method=True, example=("type_as(x, x)", "6x5x5"))
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """Converts to the dtype of another tensor."""
    return converted(input, other.dtype)


def _conversion(name: str, dtype: DType) -> None:
    def rule(input: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
        check_format(input, memory_format)
        return converted(input, dtype)

    rule.__doc__ = f"Converts to {dtype}."
    function(name=name, only_method=True, example=(f"{name}()", "6x5x5"))(rule)


for _name, _dtype in {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32",
    "long": "int64", "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool",
    "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
}.items():  # fmt: skip
    _conversion(_name, DTYPES[_dtype])


def _unchanged(name: str, doc: str, *, method_only: bool = True) -> None:
    def rule(input: Tensor) -> Tensor:
        return Tensor(input.shape, input.dtype, input.span)

    rule.__doc__ = doc
    function(name=name, method=True, only_method=method_only, example=(f"{name}()", "6x5x5"))(rule)


_unchanged("detach", "Returns the same values, detached from the autograd graph.", method_only=False)
_unchanged("cpu", "Copies to the CPU.")
_unchanged("cuda", "Copies to the GPU.")
_unchanged("resolve_conj", "Returns the same values, with any lazy conjugation applied.", method_only=False)
_unchanged("resolve_neg", "Returns the same values, with any lazy negation applied.", method_only=False)


@function(only_method=True, example=("contiguous()", "6x5x5"))
def contiguous(input: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """Returns the same values in contiguous memory.

    memory_format: contiguous_format, or channels_last for [N, C, H, W] and channels_last_3d for [N, C, D, H, W].
    """
    check_format(input, memory_format)
    return Tensor(input.shape, input.dtype, input.span)


@function(method=True, example=("clone()", "6x5x5"))
def clone(input: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """Returns a copy."""
    check_format(input, memory_format)
    return Tensor(input.shape, input.dtype, input.span)


@function(only_method=True, example=("requires_grad_()", "6x5x5"))
def requires_grad_(input: Tensor, requires_grad: Flag = True) -> Tensor:
    """Sets requires_grad and returns the same tensor."""
    if requires_grad and not (is_floating(input.dtype) or is_complex(input.dtype)):
        note = "only Tensors of floating point dtype can require gradients"
        raise Refusal("wrong-dtype", f"only floats have gradients, but {input.dtype} arrives", "input", note=note)
    return input


@function(only_method=True, example=("size(1)", "6x5x5"))
def size(input: Tensor, dim: Whole | None = None) -> tuple[Size, ...] | Size:
    """Returns the shape, or the size of one dimension."""
    if dim is None:
        return input.shape
    if not input.shape:
        raise Refusal("index-error", "a single number has no dimensions, and so no size of one", "dim")
    return input.shape[axis(dim, input.shape)]


@function(method=True, example=("numel()", "6x5x5"))
def numel(input: Tensor) -> Size:
    """Returns the number of elements."""
    return input.numel()


function(name="nelement", only_method=True, example=("nelement()", "6x5x5"))(numel.rule)


@function(only_method=True, example=("dim()", "6x5x5"))
def dim(input: Tensor) -> int:
    """Returns the number of dimensions."""
    return len(input.shape)


function(name="ndimension", only_method=True, example=("ndimension()", "6x5x5"))(dim.rule)


@function(only_method=True, example=("element_size()", "6x5x5"))
def element_size(input: Tensor) -> int:
    """Returns the number of bytes per element."""
    from nnshape.shapes.dtypes import ITEM_BYTES

    return ITEM_BYTES[input.dtype]


def _question(name: str, doc: str, answer: Any) -> None:
    def rule(input: Tensor) -> bool:
        return bool(answer(input.dtype))

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}()", "6x5x5"))(rule)


_question("is_floating_point", "Tests whether the dtype is a float type.", is_floating)
_question("is_complex", "Tests whether the dtype is a complex type.", is_complex)


@function(example=("real()", "complex64[6, 5]"))
def real(input: Tensor) -> Tensor:
    """Returns the real part."""
    return input.like(dtype=DTYPES[REAL_OF[input.dtype]]) if is_complex(input.dtype) else input


@function(example=("imag()", "complex64[6, 5]"))
def imag(input: Tensor) -> Tensor:
    """Returns the imaginary part."""
    if not is_complex(input.dtype):
        note = "imag is not implemented for tensors with non-complex dtypes."
        raise Refusal(
            "wrong-dtype", f"only complex numbers have an imaginary part, not {input.dtype}", "input", note=note
        )
    return input.like(dtype=DTYPES[REAL_OF[input.dtype]])


@function(example=("view_as_real()", "complex64[6, 5]"))
def view_as_real(input: Tensor) -> Tensor:
    """Returns complex numbers as pairs of real ones: [...] -> [..., 2]."""
    if not is_complex(input.dtype):
        raise Refusal("wrong-dtype", f"view_as_real takes complex numbers, but {input.dtype} arrives", "input")
    return input.like((*input.shape, 2), DTYPES[REAL_OF[input.dtype]])


@function(example=("view_as_complex()", "6x5x2"))
def view_as_complex(input: Tensor) -> Tensor:
    """Returns pairs of real numbers as complex ones: [..., 2] -> [...]."""
    from nnshape.shapes.constraints import assume_equal

    if input.dtype not in ("float16", "float32", "float64"):
        raise Refusal("wrong-dtype", f"view_as_complex takes floats, but {input.dtype} arrives", "input")
    if not input.shape or not assume_equal(input.shape[-1], 2):
        message = f"{{layer}} wants a last dimension of 2, real and imaginary, but {input} arrives"
        words = "Tensor must have a last dimension of size 2", "Input tensor must have one or more dimensions"
        note = words[not input.shape]
        raise Refusal("size-mismatch" if input.shape else "wrong-rank", message, "input", note=note)
    return input.like(input.shape[:-1], DTYPES[COMPLEX_OF[input.dtype]])


@function(only_method=True, name="T", example=("x.T", "[6, 5]"))
def matrix_t(input: Tensor) -> Tensor:
    """Reverses the dimensions: the transpose of a matrix."""
    return Tensor(input.shape[::-1], input.dtype, input.span)


def _matrices(input: Tensor, name: str, most: int) -> Tensor:
    """Swaps the last two dimensions of a tensor with at most `most` of them; a scalar is its own transpose."""
    if not input.shape:
        return input.like()
    if not 2 <= input.ndim <= most:
        kind = "matrices (2-D tensors)" if most == 2 else "matrices or batches of matrices"
        note = f"tensor.{name} is only supported on {kind}. Got {input.ndim}-D tensor."
        if most == 2 < input.ndim:
            note += f" For batches of matrices, consider using tensor.m{name}"
        wanted = "a matrix" if most == 2 else "matrices"
        help = "mH is for batches of matrices" if most == 2 < input.ndim else ""
        raise Refusal("wrong-rank", f"{name} transposes {wanted}, but {input} arrives", "input", note=note, help=help)
    *batch, rows, columns = input.shape
    return Tensor((*batch, columns, rows), input.dtype, input.span)


@function(only_method=True, name="mT", example=("x.mT", "6x5x3"))
def matrices_t(input: Tensor) -> Tensor:
    """Transposes matrices by swapping the last two dimensions."""
    return _matrices(input, "mT", 64)


@function(only_method=True, name="mH", example=("x.mH", "6x5x3"))
def matrices_h(input: Tensor) -> Tensor:
    """Returns the conjugate transpose of matrices over the last two dimensions."""
    return _matrices(input, "mH", 64)


@function(only_method=True, name="H", example=("x.H", "[6, 5]"))
def matrix_h(input: Tensor) -> Tensor:
    """Returns the conjugate transpose of a matrix."""
    return _matrices(input, "H", 2)
