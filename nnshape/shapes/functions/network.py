"""Tables and linear maps: https://pytorch.org/docs/stable/nn.functional.html#sparse-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dim import Dim, Size
from nnshape.shapes.dtypes import INT64, category
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.values import number


def require_ids(input: Tensor, name: str = "input", does: str = "looks up") -> None:
    """Raise Refusal (wrong-dtype) where a tensor does not hold ids that torch can look up."""
    if input.dtype != "int64" and input.dtype != "int32":
        kind = "whole numbers" if category(input.dtype) > 1 else "int64 or int32 ids"
        wanted = ", ".join(map(str, input.shape))
        raise Refusal(
            "wrong-dtype",
            f"{{layer}} {does} {kind}, but {name} is {input.dtype}: declare it as int64[{wanted}]",
            name,
            note=f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {input.dtype} instead",
        )


def require_in_table(input: Tensor, rows: Size, name: str = "input") -> None:
    """Raise Refusal (index-error) where an id is known to lie outside a table of so many rows."""
    if input.span is None:
        if 0 not in input.shape and not assume_at_least(rows, 1):
            message = f"{{layer}} has no rows to look up, but {input} arrives"
            raise Refusal("index-error", message, "num_embeddings", note="index out of range in self")
        return
    low, high = input.span
    if not (assume_at_least(low, 0) and assume_at_least(rows - 1, high)):
        reaches = f"reaches {high}" if assume_at_least(low, 0) else f"goes down to {low}"
        message = f"{{layer}} has {rows} rows (0 to {rows - 1}), but {name} {reaches}"
        raise Refusal("index-error", message, "num_embeddings", note="index out of range in self")


def require_padding(padding_idx: int | None, rows: Size) -> None:
    """Raise Refusal (index-error) where the row that stands for padding lies outside the table."""
    if padding_idx is None:
        return
    padding = number(padding_idx, "padding_idx")
    if padding != 0 and not assume_at_least(rows, padding + 1 if padding > 0 else -padding):
        message = f"`padding_idx` (={padding}) must be a row of the table's {rows}"
        raise Refusal("index-error", message, "padding_idx", note="Padding_idx must be within num_embeddings")


@function(example=("embedding(Parameter(1000, 64))", "int64[N, T]"))
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Puts a table's row for each id: one more dimension."""
    if weight.ndim != 2:
        if padding_idx is not None and not weight.shape:
            raise Refusal("wrong-rank", "{layer} wants a table of two dimensions, but a single number arrives", "weight")
        raise Refusal("wrong-rank", f"{{layer}} wants a table of two dimensions, but {weight} arrives", "weight")
    require_padding(padding_idx, weight.shape[0])
    require_ids(input)
    if max_norm is not None and category(weight.dtype) < 2 and 0 not in input.shape:
        raise Refusal("wrong-dtype", f"{{layer}} cannot limit the norm of {weight.dtype} rows", "max_norm")
    require_in_table(input, weight.shape[0])
    return Tensor((*input.shape, weight.shape[1]), weight.dtype)


@function(example=("one_hot(10)", "int64[N]"), method=False)
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Puts a row of zeros with a single one for each class id: one more dimension."""
    if tensor.dtype != "int64":
        message = f"{{layer}} wants class ids of int64, but {tensor.dtype} arrives"
        note = "one_hot is only applicable to index tensor of type LongTensor."
        raise Refusal("wrong-dtype", message, "tensor", note=note)
    classes = num_classes
    if isinstance(classes, int) and classes <= 0 and 0 in tensor.shape:
        message = f"{{layer}} cannot tell the number of classes from no ids: give it num_classes, not {classes}"
        raise Refusal("invalid-argument", message, "num_classes")
    if isinstance(classes, int) and classes == -1:
        raise Refusal(
            "unknown-value", "{layer} makes as many classes as the largest id says: give it num_classes", "num_classes"
        )
    if not assume_at_least(classes, 1):
        message = f"{{layer}} wants num_classes of 1 or more, not {classes}"
        raise Refusal("invalid-argument", message, "num_classes", note="Class values must be smaller than num_classes.")
    if tensor.span is not None and not assume_at_least(classes - 1, tensor.span[1]):
        message = f"{{layer}} has {classes} classes (0 to {classes - 1}), but an id reaches {tensor.span[1]}"
        raise Refusal("index-error", message, "num_classes", note="Class values must be smaller than num_classes.")
    return Tensor((*tensor.shape, classes), INT64)


