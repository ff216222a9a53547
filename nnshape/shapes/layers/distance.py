"""Distances: https://pytorch.org/docs/stable/nn.html#distance-functions."""

from __future__ import annotations

from nnshape.shapes.functions import distance as rules
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor


class CosineSimilarity(Layer):
    """Computes the cosine similarity of two tensors along a dimension.

    dim: the dimension to reduce.
    eps: the lower bound of each norm, to avoid division by zero.
    """

    dim: int = 1
    eps: float = 1e-08

    functional = rules.cosine_similarity
    example = ("CosineSimilarity()", "128", "128")

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return rules.cosine_similarity.rule(x1, x2, self.dim, self.eps)  # type: ignore[no-any-return]

    def derivation(self, x1: Tensor, x2: Tensor) -> tuple[str, ...]:
        return (f"one number per vector along dimension {self.dim}: {self.forward(x1, x2)}",)


class PairwiseDistance(Layer):
    """Computes the p-norm distance between two tensors along the last dimension.

    p: the degree of the norm.
    eps: a small number added to each difference to avoid division by zero.
    keepdim: whether to keep the last dimension, with size 1.
    x1, x2: the tensor [N, D] or [D] of the vectors.
    """

    p: float = 2.0
    eps: float = 1e-06
    keepdim: bool = False

    functional = rules.pairwise_distance
    example = ("PairwiseDistance()", "128", "128")

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return rules.pairwise_distance.rule(x1, x2, self.p, self.eps, self.keepdim)  # type: ignore[no-any-return]

    def derivation(self, x1: Tensor, x2: Tensor) -> tuple[str, ...]:
        return (f"one number per vector along the last dimension: {self.forward(x1, x2)}",)
