"""Dropout functions: https://pytorch.org/docs/stable/nn.functional.html#dropout-functions.

Layers of the same names share these rules. They assume training mode, that of a new module.
"""

from __future__ import annotations

from nnshape.shapes.dtypes import is_floating
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, shape_text
from nnshape.shapes.values import number


def check_probability(p: float) -> None:
    """Raise Refusal if p is not a probability."""
    if not 0 <= number(p, "p") <= 1:
        note = f"dropout probability has to be between 0 and 1, but got {p}"
        raise Refusal("invalid-argument", f"`p` (={p}) must be a probability, from 0 to 1", "p", note=note)


def dropped(input: Tensor, p: float, training: bool = True, least: int = 0) -> Tensor:
    """The input after dropout; `least` is the minimum number of dimensions."""
    if training and 0 < p < 1 and not is_floating(input.dtype) and 0 not in input.shape:
        message = f"{{layer}} scales what it keeps, which wants floats, but input is {input.dtype}"
        raise Refusal("wrong-dtype", message, "input")
    if training and 0 < p < 1 and len(input.shape) < least and 0 not in input.shape:
        what = shape_text(input.shape) if input.shape else "a single number"
        message = f"{{layer}} drops whole channels of [N, C, ...], but {what} arrives"
        raise Refusal(
            "wrong-rank", message, "input", note="Feature dropout requires at least 2 dimensions in the input"
        )
    return input.like()


def _dropped(input: Tensor, p: float, training: bool, least: int = 0) -> Tensor:
    check_probability(p)
    return dropped(input, p, training, least)


def require_dropout1d(input: Tensor) -> None:
    """Raise Refusal if the input is not [N, C, L] or [C, L]."""
    if len(input.shape) not in (2, 3):
        what = shape_text(input.shape) if input.shape else "a single number"
        note = (
            f"dropout1d: Expected 2D or 3D input, but received a {len(input.shape)}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
            "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C, L], but {what} arrives", "input", note=note)


@function(example=("dropout(0.1)", "128x768"))
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes random elements and scales the rest by 1 / (1 - p)."""
    return _dropped(input, p, training)


@function(example=("alpha_dropout(0.1, True)", "768"))
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Drops random elements, with SELU's saturation value, and preserves mean and variance."""
    return _dropped(input, p, training)


@function(example=("dropout1d(0.1)", "64x100"))
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes random channels of [N, C, L]."""
    check_probability(p)
    require_dropout1d(input)
    return dropped(input, p, training)


@function(example=("dropout2d(0.1)", "64x28x28"))
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes random channels of [N, C, H, W]."""
    return _dropped(input, p, training, least=2)


@function(example=("dropout3d(0.1)", "64x8x8x8"))
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes random channels of [N, C, D, H, W]."""
    return _dropped(input, p, training, least=1)


@function(example=("feature_alpha_dropout(0.1, True)", "64x28x28"))
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Drops random channels, with SELU's saturation value, and preserves mean and variance."""
    return _dropped(input, p, training, least=2)
