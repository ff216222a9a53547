"""Padding: https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import category
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import require_fit
from nnshape.shapes.windows import AXES, torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes

MODES = ("constant", "reflect", "replicate", "circular")

#: The verb of each mode in messages.
VERBS = {"reflect": "reflect", "replicate": "repeat the edge of", "circular": "wrap around"}


@function(example=("pad((1, 1, 2, 2))", "3x28x28"))
def pad(input: Tensor, pad: Sizes, mode: str = "constant", value: float | None = None) -> Tensor:
    """Pads both sides of the last dimensions, or crops them for a negative `pad`.

    pad: the sizes to add before and after each dimension, the last dimension first.
    mode: the padding mode: 'constant', 'reflect', 'replicate' or 'circular'.
    """
    if not isinstance(pad, (tuple, list)):
        raise Refusal("wrong-type", f"{{layer}} takes a tuple of sizes as pad, not {described(pad)}", "pad")
    if mode not in MODES:
        raise Refusal("invalid-argument", f"{{layer}} takes one of {', '.join(MODES)} as mode, not {mode!r}", "mode")
    if mode != "constant" and value is not None and value != 0:
        raise Refusal("invalid-argument", f"{{layer}} takes no value in mode {mode!r}", "value")
    if mode == "constant":
        require_value(input, pad, value)
    return padded(input, pad, mode)


def require_value(input: Tensor, pads: Sequence[Size], value: float | None) -> None:
    """Raise Refusal if the padding value does not fit the input's dtype."""
    if isinstance(value, Dim):
        raise Refusal("unknown-value", f"{{layer}} needs a number as value, and {value} has no value", "value")
    adds = any(type(side) is not int or side > 0 for side in pads)
    if value and adds and category(input.dtype) in (1, 2):
        require_fit(float(value), "value", input.dtype)


def padded(input: Tensor, pads: Sequence[Size], mode: str = "constant", argument: str = "pad") -> Tensor:
    """The tensor after padding with `pads`: before and after the last dimension, then the one before it, …

    Raises Refusal if torch refuses these pads for this input and mode.
    """
    if len(pads) % 2:
        message = f"{{layer}} wants {argument} in pairs, before and after, but {described(tuple(pads))} has {len(pads)}"
        raise Refusal("invalid-argument", message, argument)
    count = len(pads) // 2
    rank = len(input.shape)
    if mode == "constant":
        if count > rank:
            message = f"{{layer}} pads the last {count} dimensions, but {input} has {rank}"
            raise Refusal("wrong-rank", message, "input")
    else:
        _require_mode(input, pads, mode, argument)
        if mode != "circular" and input.dtype in ("bool", "complex32"):
            raise Refusal(
                "wrong-dtype", f"{{layer}} has no {mode} padding for {input.dtype}, the dtype of input", "input"
            )
    shape = list(input.shape)
    for pair in range(count):
        at = rank - 1 - pair
        shape[at] = _padded_size(input, at, pads[2 * pair], pads[2 * pair + 1], mode, argument)
    if mode in VERBS and mode != "circular" and not assume_at_least(sum(shape[rank - count :]), 1):
        message = f"{{layer}} leaves nothing of {torch_shape(input)}"
        raise Refusal("empty-output", message, argument)
    return input.like(shape)


def _require_mode(input: Tensor, pads: Sequence[Size], mode: str, argument: str) -> None:
    rank, count = len(input.shape), len(pads) // 2
    if count not in (1, 2, 3) or rank not in (count + 1, count + 2):
        wanted = f"{count + 1} or {count + 2} dimensions" if count in (1, 2, 3) else "pads for 1, 2 or 3 dimensions"
        message = f"{{layer}} with {mode} padding wants {wanted}, but {described(tuple(pads))} and {input} arrive"
        note = f"Padding size {len(pads)} is not supported for {rank}D input tensor."
        if count > rank:
            note = (
                "Padding length should be less than or equal to two times the input dimension but got padding length "
                f"{len(pads)} and input of dimension {rank}"
            )
        raise Refusal("wrong-rank", message, argument, note=note)
    for at, size in enumerate(input.shape):
        if mode != "circular" and (at > 0 or rank == count + 1) and size == 0:
            message = f"{{layer}} cannot {VERBS[mode]} an empty dimension: {torch_shape(input)} arrives"
            raise Refusal("empty-output", message, "input")


def _padded_size(input: Tensor, at: int, before: Size, after: Size, mode: str, argument: str) -> Size:
    size = input.shape[at]
    result = size + before + after
    cut = sum(side for side in (before, after) if type(side) is int and side < 0)
    if not assume_at_least(result, 0) or (cut and mode == "constant" and not assume_at_least(size, -cut)):
        message = f"{{layer}} crops more than there is: {size} + {before} + {after} = {result}"
        raise Refusal("empty-output", message, argument)
    if mode in ("reflect", "circular"):
        room = size - 1 if mode == "reflect" else size
        for side in (before, after):
            if not assume_at_least(room, side):
                message = f"{{layer}} can {VERBS[mode]} at most {room} of {size}, but {side} are wanted"
                raise Refusal("invalid-argument", message, argument, note=_too_wide(input, at, before, after, mode))
    return result


def _too_wide(input: Tensor, at: int, before: Size, after: Size, mode: str) -> str:
    if mode == "circular":
        return "Padding value causes wrapping around more than once."
    return (
        f"Argument #{4 + 2 * (input.ndim - 1 - at)}: Padding size should be less than the corresponding input "
        f"dimension, but got: padding ({before}, {after}) at dimension {at} of input {torch_shape(input)}"
    )


def padding_lines(input: Tensor, pads: Sequence[Size], made: Shape) -> tuple[str, ...]:
    """The derivation of the sizes of a padded map."""
    count, rank = len(pads) // 2, len(input.shape)
    axes = AXES.get(count) or tuple(f"dimension {at}" for at in range(rank - count, rank))
    lines = []
    for at in range(rank - count, rank):
        before, after = pads[2 * (rank - 1 - at)], pads[2 * (rank - 1 - at) + 1]
        lines.append(f"{axes[at - rank]}: {input.shape[at]} + {before} + {after} = {made[at]}")
    return tuple(lines)


@pad.derives
def _(input: Tensor, pad: Any, mode: str, value: Any) -> tuple[str, ...]:
    return padding_lines(input, pad, padded(input, pad, mode, "pad").shape)
