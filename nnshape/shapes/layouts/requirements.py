"""What torch refuses because of how tensors lie in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.functions import find_function
from nnshape.shapes.functions.striding import check_bounds
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.layouts.viewing import require_view, require_view_as
from nnshape.shapes.layouts.viewing_inside import VIEWS, require_viewable
from nnshape.shapes.layouts.writing import require_writable
from nnshape.shapes.tensor import Tensor, tensors_in


def require_layout(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any) -> None:
    """Raise Refusal (not-contiguous) if torch refuses the strides of the arguments."""
    if name in VIEWS:
        require_viewable(name, _bound(name, arguments, keywords), result)
        return
    if "memory_format" in keywords:
        return
    first, *others = tensors_in((arguments, dict(keywords)))
    if first.producer is None or ("dropout" in name and _drops_nothing(name, arguments, keywords)):
        return
    if name == "as_strided":
        _require_memory(first, arguments, keywords)
    elif name not in ("view", "view_as"):
        require_writable(name, first, others)
    elif first.dtype == result.dtype:
        require_view(first, result.shape)
    elif ITEM_BYTES[first.dtype] != ITEM_BYTES[result.dtype]:
        require_view_as(first, result.dtype)


def _require_memory(input: Tensor, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
    """Raise Refusal (index-error) if `as_strided` reaches outside the memory of its input, as far as that is known."""
    bound = _bound("as_strided", arguments, keywords)
    offset = bound["storage_offset"]
    layouts = [layout for mode in MODES if (layout := layout_of(input, mode)) is not None]
    for start, bytes in {(layout.offset if offset is None else offset, layout.storage.bytes) for layout in layouts}:
        check_bounds(input, bound["size"], bound["stride"], start, bytes)


def _bound(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
    function = find_function(name)
    assert function is not None
    return function.signature().bind(arguments, keywords)


def _drops_nothing(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether a dropout returns its input as it is, and writes nothing."""
    bound = _bound(name, arguments, keywords)
    return bound["p"] == 0 or not bound["training"]
