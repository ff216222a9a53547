"""Dtypes by torch's names, their sizes in bytes, and torch's type promotion.

Source: https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nnshape.shapes.refusal import Refusal


class DType(str):
    """A dtype, as its name in torch: `float32`, `int64`, `bool`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


#: Every dtype that a spec can name, with its bytes per element. (int1 … int7 and bits are shells in torch.)
ITEM_BYTES: dict[str, int] = {
    "bool": 1,
    "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8,
    "complex32": 4, "complex64": 8, "complex128": 16,
    "uint16": 2, "uint32": 4, "uint64": 8,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
    "quint8": 1, "qint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
}  # fmt: skip

ALIASES = {
    "float": "float32", "double": "float64", "half": "float16", "short": "int16", "int": "int32", "long": "int64",
    "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
}  # fmt: skip

DTYPES: dict[str, DType] = {name: DType(name) for name in ITEM_BYTES}
DTYPES.update({alias: DTYPES[name] for alias, name in ALIASES.items()})

FLOAT32, INT64, BOOL = DTYPES["float32"], DTYPES["int64"], DTYPES["bool"]

_FLOATS = ("float16", "bfloat16", "float32", "float64")
HALVES = frozenset({"float16", "bfloat16"})
_COMPLEX = ("complex32", "complex64", "complex128")
_SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = frozenset({"uint16", "uint32", "uint64"})
FLOAT8 = frozenset({"float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"})
QUANTIZED = frozenset({"quint8", "qint8", "qint32", "quint4x2", "quint2x4"})
#: The dtypes for storage, which few operations compute in: see `nnshape.shapes.stored`.
STORED = UNSIGNED | FLOAT8 | QUANTIZED
#: The real dtype of a complex one's parts.
REAL_OF = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {"float16": "complex32", "bfloat16": "complex64", "float32": "complex64", "float64": "complex128"}


#: The dtypes that torch accepts as the default one.
DEFAULTS = ("float32", "float64", "float16", "bfloat16")
_default: ContextVar[DType] = ContextVar("default", default=FLOAT32)


def default_dtype() -> DType:
    """The dtype of parameters, of new tensors of floats, and of floats computed from integers, unless one is given."""
    return _default.get()


@contextmanager
def defaulting_to(dtype: DType) -> Iterator[None]:
    """Use another default dtype within a `with` statement, as `torch.set_default_dtype` does."""
    token = _default.set(dtype)
    try:
        yield
    finally:
        _default.reset(token)


def is_floating(dtype: str) -> bool:
    """Whether the dtype is a float type."""
    return dtype in _FLOATS


def is_complex(dtype: str) -> bool:
    """Whether the dtype is a complex type."""
    return dtype in _COMPLEX


def is_integral(dtype: str) -> bool:
    """Whether the dtype is an integer type (bool is not)."""
    return dtype in _SIGNED or dtype == "uint8"


def category(dtype: str) -> int:
    """The rank of the dtype's category: 0 bool, 1 integer, 2 float, 3 complex."""
    if dtype in _FLOATS or dtype in FLOAT8:
        return 2
    return 0 if dtype == "bool" else 3 if dtype in _COMPLEX else 1


def promote(a: str, b: str) -> DType:
    """The dtype that two tensors with dimensions promote to. Raises Refusal (wrong-dtype) if torch has none."""
    if a == b:
        return DTYPES[a]
    if a in STORED or b in STORED:
        raise Refusal("wrong-dtype", f"{{layer}} cannot bring {a} and {b} to one dtype: convert one of them first")
    rank_a, rank_b = category(a), category(b)
    if rank_a == 3 or rank_b == 3:
        real = promote(REAL_OF.get(a, a), REAL_OF.get(b, b))
        return DTYPES[COMPLEX_OF[real]]
    if rank_a != rank_b:
        return DTYPES[a if rank_a > rank_b else b]
    if rank_a == 2:
        if {a, b} == {"float16", "bfloat16"}:
            return FLOAT32
        return DTYPES[max(a, b, key=_FLOATS.index)]
    if "uint8" in (a, b):
        signed = b if a == "uint8" else a
        return DTYPES["int16" if signed == "int8" else signed]
    return DTYPES[max(a, b, key=_SIGNED.index)]


def scalar_dtype(value: object) -> DType:
    """The dtype of a Python number in an operation with a tensor of a lower category."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, float):
        return default_dtype()
    if isinstance(value, complex):
        return DTYPES[COMPLEX_OF[default_dtype()]]
    return INT64


def result_type(*operands: object) -> DType:
    """The dtype that abstract tensors and Python numbers promote to (a symbolic size is an int).

    Tensors with dimensions decide. A 0-dimensional tensor, and after it a number, count only if their
    category is higher.
    """
    full: DType | None = None
    single: DType | None = None
    number: DType | None = None
    for operand in operands:
        dtype = getattr(operand, "dtype", None)
        if dtype is None:
            number = _promoted(number, scalar_dtype(operand))
        elif operand.shape:  # type: ignore[attr-defined]
            full = dtype if full is None else promote(full, dtype)
        else:
            single = _promoted(single, dtype)
    if full is not None and single is None and number is None:
        return full
    return _outranked(full, _outranked(single, number)) or default_dtype()


def _promoted(a: DType | None, b: DType | None) -> DType | None:
    return b if a is None else a if b is None else promote(a, b)


def _outranked(higher: DType | None, lower: DType | None) -> DType | None:
    """The dtype of the first operand, unless the second has a higher category."""
    if higher is None or lower is None:
        return lower if higher is None else higher
    rank = category(higher)
    if rank == 2:
        return DTYPES[COMPLEX_OF[higher]] if category(lower) == 3 else higher
    return promote(higher, lower) if rank == 0 or category(lower) >= 2 > rank else higher


_LARGEST = {
    "float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38,
    "float8_e4m3fn": 448.0, "float8_e4m3fnuz": 240.0, "float8_e5m2": 57344.0, "float8_e5m2fnuz": 57344.0,
    "float8_e8m0fnu": 2.0**127,
}  # fmt: skip


def fits(value: complex, dtype: str) -> bool:
    """Whether torch can store a number in a tensor of the dtype, rounded if need be, without overflow."""
    if dtype == "bool":
        return True
    if isinstance(value, complex):
        if not is_complex(dtype):
            return value.imag == 0 and fits(value.real, dtype)
        return fits(value.real, dtype) and fits(value.imag, dtype)
    dtype = REAL_OF.get(dtype, dtype)
    if dtype in _FLOATS or dtype in FLOAT8:
        largest = _LARGEST.get(dtype)
        return largest is None or value - value != 0 or abs(value) <= largest
    if value - value != 0:  # infinite, or not a number
        return False
    if dtype == "uint8" or dtype in UNSIGNED:
        return abs(value) < 1 << (8 * ITEM_BYTES[dtype]) and (value >= 0 or isinstance(value, int))
    bound = 1 << (8 * ITEM_BYTES[dtype] - 1)
    return -bound <= value < bound
