"""The reduction of a loss: `reduction`, and torch's two deprecated arguments."""

from __future__ import annotations

from nnshape.shapes.dims import shape_part
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import INT64, DType, category
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor

REDUCTIONS = ("none", "mean", "sum")


def chosen(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """The reduction that the three arguments select; the deprecated two win."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"


def require_reduction(reduction: str, *more: str, words: str = "is not a valid value for reduction") -> None:
    """Raise Refusal unless torch has a reduction of this name; `words` end torch's message."""
    if reduction not in REDUCTIONS and reduction not in more:
        message = f"`reduction` must be 'none', 'mean' or 'sum', not {reduction!r}"
        note = f"{reduction} {words}"
        raise Refusal("invalid-argument", message, "reduction", note=note)


def reduced(shape: Shape, dtype: DType, reduction: str) -> Tensor:
    """The loss, from the shape and dtype of the losses before the reduction."""
    if reduction == "none":
        return Tensor(shape, dtype)
    if category(dtype) < 2:
        if reduction not in ("sum", "batchmean"):
            message = f"{{layer}} cannot average {dtype} numbers: give it floats such as float32"
            note = (
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {scalar_name(dtype)}"
            )
            raise Refusal("wrong-dtype", message, "input", note=note)
        dtype = INT64
    return Tensor((), dtype)


def reduction_lines(reduction: str, losses: Tensor) -> tuple[str, ...]:
    """The derivation of a loss's size, from the tensor of unreduced losses."""
    if reduction == "none":
        return (f"one loss each, with reduction='none': {losses}",)
    count = " * ".join(map(shape_part, losses.shape)) or "1"
    return (f"the {reduction} of {count} losses: one number",)
