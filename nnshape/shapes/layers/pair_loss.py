"""Losses that compare samples with one another, and CTC: https://pytorch.org/docs/stable/nn.html#loss-functions."""

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
    """Takes a distance where its target is 1, and by how much it falls short of a margin where that is -1.

    margin: the distance that unlike samples should keep.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Measures by the angle between two samples whether they are alike, where the target is 1, or not, where it is -1.

    margin: the cosine that unlike samples should stay below.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Measures by how much the input that a target of 1 or -1 names fails to rank above the other.

    margin: how far above the other it should rank.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Measures by how much an anchor's distance from its like fails to be a margin below that from its unlike.

    margin: the margin, above 0.
    p: the p of the norm that measures distance.
    eps: what keeps a distance of 0 differentiable.
    swap: whether the positive's distance from the negative counts where it is the smaller.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Measures as TripletMarginLoss does, with a distance of one's own.

    distance_function: a function or layer of two tensors, or None for PairwiseDistance.
    margin: the margin, above 0.
    swap: whether the positive's distance from the negative counts where it is the smaller.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Sums over every alignment how likely a sequence of classes is, given each step's logarithms of probabilities.

    blank: the class that stands for no label.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    zero_infinity: whether infinite losses, of inputs too short for their targets, count as 0.
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
