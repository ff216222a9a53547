"""Regression and binary losses: https://pytorch.org/docs/stable/nn.html#loss-functions.

Each layer shares the rule of its functional form.
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
    """Base of losses with the same arguments as their functional form."""

    if TYPE_CHECKING:
        reduction: str

    functional: ClassVar[Function]

    def apply_functional(self, *inputs: Any) -> Tensor:
        """The functional form's result, with the layer's own reduction."""
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
    """Computes the squared error (input - target)**2.

    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.mse_loss
    example = ("MSELoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class L1Loss(_Loss):
    """Computes the absolute error |input - target|.

    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.l1_loss
    example = ("L1Loss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class SmoothL1Loss(_Loss):
    """Computes a squared error below beta and an absolute error above it.

    beta: the error at which the loss turns from quadratic to linear; 0 gives L1Loss.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
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
    """Computes a squared error below delta and delta times the absolute error above it.

    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    delta: the error at which the loss turns from quadratic to linear; above 0.
    """

    reduction: str = "mean"
    delta: float = 1.0

    functional = functions.huber_loss
    example = ("HuberLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class BCELoss(_Loss):
    """Computes the binary cross entropy of probabilities against targets between 0 and 1.

    weight: weights per class or per element, as a tensor; None weighs all equally.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
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
    """Computes the binary cross entropy of logits against targets between 0 and 1.

    weight: weights per class or per element, as a tensor; None weighs all equally.
    pos_weight: weights of the positive targets, as a tensor; None weighs them like the negative ones.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
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

    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.soft_margin_loss
    example = ("SoftMarginLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class KLDivLoss(_Loss):
    """Computes the Kullback-Leibler divergence of log-probabilities from a target distribution.

    log_target: whether the target holds log-probabilities too.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean', 'sum' or 'batchmean' (sum divided by N).
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
    """Computes the negative log-likelihood of counts under Poisson rates.

    log_input: whether the input is the logarithm of the rate.
    full: whether to add Stirling's approximation of the constant term.
    eps: a small number added to the rate to avoid log(0).
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
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
    """Computes the negative log-likelihood of targets under normal distributions of given means and variances.

    full: whether to add the constant term.
    eps: the lower bound of the variance, for stability.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    """

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"

    keyword_only = ("full", "eps", "reduction")
    functional = likelihood_losses.gaussian_nll_loss
    example = ("GaussianNLLLoss()(x, target, var)", "10", "target=10", "var=10")

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return self.apply_functional(input, target, var)
