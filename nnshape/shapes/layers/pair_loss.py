"""Losses on pairs and triplets of samples, and CTC: https://pytorch.org/docs/stable/nn.html#loss-functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.functions import pair_losses as functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers.loss import _Loss
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import number

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Activation


class HingeEmbeddingLoss(_Loss):
    """Computes the hinge loss of distances: the distance for targets of 1, max(0, margin - distance) for -1.

    margin: the minimum distance of dissimilar samples.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    target: 1 or -1, of the input's shape.
    """

    margin: float = 1.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.hinge_embedding_loss
    example = ("HingeEmbeddingLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class CosineEmbeddingLoss(_Loss):
    """Pulls the cosine similarity of two samples towards 1 for targets of 1, and below a margin for -1.

    margin: the maximum cosine similarity of dissimilar samples.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input1, input2: the tensor [N, D] or [D].
    target: 1 or -1, [N] or [].
    """

    margin: float = 0.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.cosine_embedding_loss
    example = ("CosineEmbeddingLoss()(x, y, target)", "10", "y=10", "target=[N]")

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input1, input2, target)


class MarginRankingLoss(_Loss):
    """Computes max(0, -target * (input1 - input2) + margin), for targets of 1 and -1.

    margin: the required gap between the two inputs.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    target: 1 or -1.
    """

    margin: float = 0.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.margin_ranking_loss
    example = ("MarginRankingLoss()(x, y, target)", "[N]", "y=[N]", "target=[N]")

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input1, input2, target)


class TripletMarginLoss(_Loss):
    """Computes max(0, d(anchor, positive) - d(anchor, negative) + margin), where d is a p-norm distance.

    margin: the margin; must be above 0.
    p: the degree of the norm.
    eps: a small number added to each difference to keep the gradient finite.
    swap: whether to use the positive-negative distance if it is smaller.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.triplet_margin_loss
    example = ("TripletMarginLoss()(x, y, z)", "10", "y=10", "z=10")

    def check(self) -> None:
        if number(self.margin, "margin") <= 0:
            note = f"TripletMarginLoss: expected margin to be greater than 0, got {self.margin} instead"
            raise Refusal("invalid-argument", f"`margin` (={self.margin}) must be above 0", "margin", note=note)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return self.apply_functional(anchor, positive, negative)


class TripletMarginWithDistanceLoss(_Loss):
    """Computes the triplet margin loss with a given distance function.

    distance_function: a function or layer of two tensors; None for PairwiseDistance.
    margin: the margin; must be above 0.
    swap: whether to use the positive-negative distance if it is smaller.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    distance_function: Activation | None = None
    margin: float = 1.0
    swap: bool = False
    reduction: str = "mean"

    keyword_only = ("distance_function", "margin", "swap", "reduction")
    functional = functions.triplet_margin_with_distance_loss
    example = ("TripletMarginWithDistanceLoss()(x, y, z)", "10", "y=10", "z=10")

    def check(self) -> None:
        if number(self.margin, "margin") <= 0:
            note = f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {self.margin} instead"
            raise Refusal("invalid-argument", f"`margin` (={self.margin}) must be above 0", "margin", note=note)

    def parameters(self) -> dict[str, Tensor]:
        distance = self.distance_function
        if not isinstance(distance, Layer):
            return {}
        return {f"distance_function.{name}": tensor for name, tensor in distance.parameters().items()}

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return self.apply_functional(anchor, positive, negative)


class CTCLoss(_Loss):
    """Computes the connectionist temporal classification loss of log-probabilities [T, N, C] against label sequences.

    blank: the index of the blank label.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    zero_infinity: whether to count infinite losses, of inputs too short for their targets, as 0.
    log_probs: the log-probabilities [T, N, C] or [T, C].
    targets: the class indices [N, S], or [sum(target_lengths)] in a row.
    input_lengths: the length of each input, at most T.
    target_lengths: the length of each target.
    """

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False

    functional = functions.ctc_loss
    example = (
        "CTCLoss()(x, targets, input_lengths, target_lengths)",
        "[T, N, 20]",
        "targets=int64[N, S]",
        "input_lengths=int64[N]",
        "target_lengths=int64[N]",
    )

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | tuple,  # type: ignore[type-arg]
        target_lengths: Tensor | tuple,  # type: ignore[type-arg]
    ) -> Tensor:
        return self.apply_functional(log_probs, targets, input_lengths, target_lengths)
