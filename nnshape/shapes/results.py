"""The checks of a rule's result, parameters and MACs, where a layer or function is applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.dims import Dim, surely_negative
from nnshape.shapes.dtypes import DTYPES, DType
from nnshape.shapes.tensor import N, Tensor, Unknown

#: The types of results other than tensors, such as those of `size()` or `dtype`.
_PLAIN = (int, float, complex, str, type(None), Dim, Unknown)


class WrongRule(TypeError):
    """A rule returned a result that no operation of torch can return: a bug in nnshape, whatever the file."""


def check_result(owner: str, result: Any, returns: str) -> None:
    """Raise WrongRule if a rule's result is impossible in torch, or not a tensor although `returns` says so.

    `returns` is the annotation of the rule's result.
    """
    if type(result) is Tensor:
        if type(result.dtype) is not DType or result.dtype not in DTYPES:
            raise WrongRule(f"{owner} gives a tensor of {_named(result.dtype)}, which is no dtype")
        if type(result.shape) is not tuple:
            raise WrongRule(f"{owner} gives {_named(result.shape)} as a shape, which is no tuple")
        for size in result.shape:
            if type(size) is int:
                if size < 0:
                    raise WrongRule(f"{owner} gives a tensor with a size of {size}")
            elif type(size) is not Dim:
                raise WrongRule(f"{owner} gives a tensor with a size of {_named(size)}, which is no whole number")
            elif size is not N and surely_negative(size):
                raise WrongRule(f"{owner} gives a tensor with a size of {size}, which is negative")
        return
    if returns == "Tensor":
        raise WrongRule(f"{owner} gives {_named(result)} in place of a tensor")
    if isinstance(result, (tuple, list)):
        for item in result:
            check_result(owner, item, "Any")
    elif isinstance(result, dict):
        for item in result.values():
            check_result(owner, item, "Any")
    elif not isinstance(result, _PLAIN):
        raise WrongRule(f"{owner} gives {_named(result)}, which is no value of torch")


def check_parameters(owner: str, tensors: Mapping[str, Any]) -> None:
    """Raise WrongRule if one of a layer's parameters or buffers is no tensor that torch can hold."""
    for name, tensor in tensors.items():
        check_result(f"{owner}.{name}", tensor, "Tensor")


def check_macs(owner: str, macs: Any) -> None:
    """Raise WrongRule if a number of MACs is neither symbolic nor a whole number of 0 or more."""
    if type(macs) is not Dim and (type(macs) is not int or macs < 0):
        raise WrongRule(f"{owner} counts {_named(macs)} MACs")


def _named(value: object) -> str:
    return f"{value!r:.60} ({type(value).__name__})"
