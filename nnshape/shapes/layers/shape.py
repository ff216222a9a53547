"""Flatten and Unflatten: https://pytorch.org/docs/stable/nn.html#utilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.axes import axis
from nnshape.shapes.functions import shape as rules
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import WholeTuple


class Flatten(Layer):
    """Flattens a range of dimensions into one; by default [N, ...] becomes [N, features].

    start_dim: the first dimension to flatten.
    end_dim: the last dimension to flatten.
    """

    start_dim: int = 1
    end_dim: int = -1

    functional = rules.flatten
    example = ("Flatten()", "16x5x5")

    def forward(self, input: Tensor) -> Tensor:
        return rules.flatten.rule(input, self.start_dim, self.end_dim)  # type: ignore[no-any-return]

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        joined = input.shape[axis(self.start_dim, input.shape) : axis(self.end_dim, input.shape) + 1]
        made = self.forward(input).shape
        return (f"{' * '.join(map(rules.factor_text, joined)) or 1} = {made[axis(self.start_dim, input.shape)]}",)


class Unflatten(Layer):
    """Splits one dimension into several.

    dim: the dimension to split.
    unflattened_size: the new sizes; one may be -1, which is inferred.
    """

    dim: int
    unflattened_size: WholeTuple

    functional = rules.unflatten
    example = ("Unflatten(1, (2, 5, 5))", "50")

    def forward(self, input: Tensor) -> Tensor:
        return rules.unflatten.rule(input, self.dim, tuple(self.unflattened_size))  # type: ignore[no-any-return]

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return rules.splitting_lines(input, self.dim, self.forward(input))
