"""Losses that compare numbers: https://pytorch.org/docs/stable/nn.html#loss-functions.

Each shares the rule of its functional form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.function import Function
from nnshape.shapes.functions import likelihood_losses
from nnshape.shapes.functions import losses as functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.loss_reduction import chosen, reduction_lines
from nnshape.shapes.tensor import Tensor


class _Loss(Layer):
    """A loss whose arguments are those of its functional form, by the same names."""

    if TYPE_CHECKING:
        reduction: str

    functional: ClassVar[Function]

    def apply_functional(self, *inputs: Any) -> Tensor:
        """The functional form's result, with the reduction chosen when the layer was made."""
        keywords = dict(vars(self))
        size_average, reduce = keywords.pop("size_average", None), keywords.pop("reduce", None)
        keywords["reduction"] = chosen(self.reduction, size_average, reduce)
        result: Tensor = self.functional.rule(*inputs, **keywords)
        return result

    def derivation(self, *inputs: Any, **others: Any) -> tuple[str, ...]:
        reduction = chosen(self.reduction, vars(self).get("size_average"), vars(self).get("reduce"))
        each = object.__new__(type(self))
        each.__dict__.update({**vars(self), "reduction": "none", "size_average": None, "reduce": None})
        losses = each.forward(*inputs, **others)
        return reduction_lines(reduction, losses)

    def buffers(self) -> dict[str, Tensor]:
        weights = {name: vars(self).get(name) for name in ("weight", "pos_weight")}
        return {name: tensor for name, tensor in weights.items() if tensor is not None}


class MSELoss(_Loss):
    """Squares the difference of each element from its target.

    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.mse_loss
    example = ("MSELoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class L1Loss(_Loss):
    """Takes the size of each element's difference from its target.

    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.l1_loss
    example = ("L1Loss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class SmoothL1Loss(_Loss):
    """Squares each difference below beta, and takes the size of those above.

    beta: where the loss goes over from a square to a line; 0 for lines alone.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    beta: float = 1.0

    functional = functions.smooth_l1_loss
    example = ("SmoothL1Loss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class HuberLoss(_Loss):
    """Squares each difference below delta, and takes the size of those above times delta.

    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    delta: where the loss goes over from a square to a line; above 0.
    """

    reduction: str = "mean"
    delta: float = 1.0

    functional = functions.huber_loss
    example = ("HuberLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class BCELoss(_Loss):
    """Measures how well probabilities foretell targets between 0 and 1.

    weight: a tensor of weights, one a class or an element, or None.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.binary_cross_entropy
    example = ("BCELoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class BCEWithLogitsLoss(_Loss):
    """Measures how well the sigmoid of scores foretells targets between 0 and 1.

    weight: a tensor of weights, one a class or an element, or None.
    pos_weight: a tensor of weights for the targets of 1, or None.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    pos_weight: Tensor | None = None

    functional = functions.binary_cross_entropy_with_logits
    example = ("BCEWithLogitsLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class SoftMarginLoss(_Loss):
    """Computes log(1 + exp(-target * input)), for targets of 1 and -1.

    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.soft_margin_loss
    example = ("SoftMarginLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class KLDivLoss(_Loss):
    """Measures how far a distribution, given as logarithms, is from a target's.

    log_target: whether the target, too, holds logarithms.
    reduction 'batchmean' divides the sum by the batch, as the definition does.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    log_target: bool = False

    functional = likelihood_losses.kl_div
    example = ("KLDivLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class PoissonNLLLoss(_Loss):
    """Measures how well a rate, or its logarithm, foretells counts by a Poisson distribution.

    log_input: whether the input is the rate's logarithm.
    full: whether Stirling's term is added.
    eps: what keeps the logarithm of a rate of 0 finite.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    log_input: bool = True
    full: bool = False
    size_average: bool | None = None
    eps: float = 1e-8
    reduce: bool | None = None
    reduction: str = "mean"

    functional = likelihood_losses.poisson_nll_loss
    example = ("PoissonNLLLoss()(x, target)", "10", "target=10")

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(log_input, target)


class GaussianNLLLoss(_Loss):
    """Measures how well a mean and a variance foretell targets by a normal distribution.

    full: whether the constant term is added.
    eps: the smallest variance, for stability.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"

    keyword_only = ("full", "eps", "reduction")
    functional = likelihood_losses.gaussian_nll_loss
    example = ("GaussianNLLLoss()(x, target, var)", "10", "target=10", "var=10")

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return self.apply_functional(input, target, var)
