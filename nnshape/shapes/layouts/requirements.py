"""What torch refuses because of how tensors lie in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.functions import find_function
from nnshape.shapes.layouts.viewing import require_view, require_view_as
from nnshape.shapes.layouts.writing import require_writable
from nnshape.shapes.tensor import tensors_in


def require_layout(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any) -> None:
    """Raise Refusal (not-contiguous) if a view or an operation in place is refused for the strides of its arguments."""
    first, *others = tensors_in((arguments, dict(keywords)))
    if first.producer is None or ("dropout" in name and _drops_nothing(name, arguments, keywords)):
        return
    if name not in ("view", "view_as"):
        require_writable(name, first, others)
    elif first.dtype == result.dtype:
        require_view(first, result.shape)
    elif ITEM_BYTES[first.dtype] != ITEM_BYTES[result.dtype]:
        require_view_as(first, result.dtype)


def _drops_nothing(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether a dropout returns its input as it is, and writes nothing."""
    function = find_function(name)
    assert function is not None
    bound = function.signature().bind(arguments, keywords)
    return bound["p"] == 0 or not bound["training"]
