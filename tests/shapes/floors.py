"""The rules of which the gate asks for no refused case, and why."""

from __future__ import annotations

TAKING_ANY_TENSOR = [
    "acos", "arccos", "acosh", "arccosh", "asin", "arcsin", "asinh", "arcsinh", "atan", "arctan", "atanh",
    "arctanh", "cos", "cosh", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "reciprocal", "rsqrt", "sin",
    "sinc", "sinh", "sqrt", "tan", "angle", "conj", "conj_physical", "sgn", "square", "isfinite", "isinf", "isnan",
    "isreal", "logical_not", "conj_physical_", "logical_not_", "sgn_", "zero_", "argwhere", "nonzero", "kron",
    "ravel", "atleast_1d", "atleast_2d", "atleast_3d", "nan_to_num", "nan_to_num_", "T",
]  # fmt: skip
CONVERSIONS = [
    "to", "type", "type_as", "float", "double", "half", "bfloat16", "int", "long", "short", "char", "byte", "bool",
    "cfloat", "cdouble", "chalf", "detach", "cpu", "cuda", "resolve_conj", "resolve_neg", "contiguous", "clone",
    "numel", "nelement", "dim", "ndimension", "element_size", "is_floating_point", "is_complex", "real",
]  # fmt: skip

#: Rules that torch never refuses in these cases, and why: it must refuse none of them.
CANNOT_REFUSE = {
    **dict.fromkeys(TAKING_ANY_TENSOR, "it takes a tensor of any shape and of any dtype that torch computes in"),
    **dict.fromkeys(CONVERSIONS, "it converts or reads any tensor, to or from any dtype"),
    "Identity": "it takes any arguments, and returns its input",
}
