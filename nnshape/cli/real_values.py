"""The values of a real tensor, for display."""

from __future__ import annotations

from typing import Any

from nnshape.rendering.tensor_values import Values

#: In JSON, tensors with more elements than this show only their statistics.
MAX_NUMBERS = 10_000
#: The rows and columns that are shown of a larger matrix, and the size up to which one is shown whole.
_ROWS, _COLUMNS = 4, 6
_WHOLE = 8


def values_of(tensor: Any) -> Values:
    """A corner of a tensor as torch prints it, its statistics, and its values if there are not too many."""
    # The first values in the last two dimensions, at index 0 of all others.
    index: list[int | slice] = [0] * max(0, tensor.ndim - 2)
    is_small = all(size <= _WHOLE for size in tensor.shape[-2:])
    index += [slice(_WHOLE if is_small else most) for most in (_ROWS, _COLUMNS)[2 - min(2, tensor.ndim) :]]
    corner = tensor[tuple(index)] if tensor.numel() else tensor
    place = ""
    if corner.numel() < tensor.numel():
        parts = zip(index, tensor.shape, strict=True)
        written = [
            str(part) if isinstance(part, int) else f":{part.stop}" if part.stop < size else ":" for part, size in parts
        ]
        place = f"[{', '.join(written)}]"
    statistics: dict[str, float] = {}
    if tensor.numel():
        numbers = (tensor.abs() if tensor.is_complex() else tensor).double()
        statistics = {
            "mean": numbers.mean().item(),
            "std": numbers.std(correction=0).item(),
            "min": numbers.min().item(),
            "max": numbers.max().item(),
        }
    whole = tensor.tolist() if tensor.numel() <= MAX_NUMBERS else None
    return Values(place, str(corner), statistics, whole, tuple(tensor.shape))
