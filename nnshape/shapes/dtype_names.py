"""The names of dtypes in torch's messages, which has three: `Float`, `float` and `torch.FloatTensor`."""

from __future__ import annotations

_SCALARS = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex32": "ComplexHalf", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip
_C_TYPES = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int", "int64": "long int",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex32": "c10::complex<c10::Half>", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
#: The tensors that have a type of their own in Python.
_NAMED = frozenset({"uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"})


def scalar_name(dtype: str) -> str:
    """The name of a scalar type: `Float`."""
    return _SCALARS.get(dtype, dtype.capitalize())


def c_name(dtype: str) -> str:
    """The name of a type in C++: `float`."""
    return _C_TYPES.get(dtype, dtype)


def element_name(dtype: str) -> str:
    """The name of a type in torch's message for a number that overflows it: `float`, but `int64_t`."""
    if dtype == "int32":
        return "int"
    return f"{dtype}_t" if dtype in ("uint8", "int8", "int16", "int64") else c_name(dtype)


def tensor_type(dtype: str) -> str:
    """The name of a type of tensors: `torch.FloatTensor`."""
    return f"torch.{scalar_name(dtype)}Tensor" if dtype in _NAMED else f"CPU{scalar_name(dtype)}Type"
