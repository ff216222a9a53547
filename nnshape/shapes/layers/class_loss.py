"""Classification losses: https://pytorch.org/docs/stable/nn.html#loss-functions."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.arguments import is_size
from nnshape.shapes.dims import Size, at_least
from nnshape.shapes.dtypes import INT64, DType
from nnshape.shapes.functions import class_losses as functions
from nnshape.shapes.functions.losses import alike
from nnshape.shapes.layer_base import Device
from nnshape.shapes.layers.loss import _Loss
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.values import number


class NLLLoss(_Loss):
    """Computes the negative log-likelihood of the target classes from log-probabilities.

    weight: a weight per class, as a tensor; None weighs all classes equally.
    ignore_index: the class index to ignore in the targets.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input: the log-probabilities [N, C], [C] or [N, C, *].
    target: the class indices [N], [] or [N, *].
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.nll_loss
    example = ("NLLLoss()(x, target)", "10", "target=int64[N]")

    def expected_inputs(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class NLLLoss2d(_Loss):
    """Deprecated name of NLLLoss.

    weight: a weight per class, as a tensor; None weighs all classes equally.
    ignore_index: the class index to ignore in the targets.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input: the log-probabilities [N, C], [C] or [N, C, *].
    target: the class indices [N], [] or [N, *].
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.nll_loss
    example = ("NLLLoss2d()(x, target)", "10", "target=int64[N]")

    def expected_inputs(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class CrossEntropyLoss(_Loss):
    """Computes the cross entropy of logits [N, C, ...] against class indices [N, ...] or probabilities [N, C, ...].

    weight: a weight per class, as a tensor; None weighs all classes equally.
    ignore_index: the class index to ignore in the targets.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    label_smoothing: the share of each target to spread over all classes, from 0 to 1.
    input: the logits [N, C], [C] or [N, C, *].
    target: the class indices [N], [] or [N, *], or probabilities of the input's shape.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"
    label_smoothing: float = 0.0

    functional = functions.cross_entropy
    example = ("CrossEntropyLoss()(x, target)", "10", "target=int64[N]")

    def expected_inputs(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiMarginLoss(_Loss):
    """Computes the multi-class hinge loss of scores [N, C] against class indices [N].

    p: the power of each margin violation, 1 or 2.
    margin: the required gap between the target's score and the others.
    weight: a weight per class, as a tensor; None weighs all classes equally.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input: the scores [N, C] or [C].
    target: the class indices [N] or [].
    """

    p: int = 1
    margin: float = 1.0
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.multi_margin_loss
    example = ("MultiMarginLoss()(x, target)", "10", "target=int64[N]")

    def check(self) -> None:
        if number(self.p, "p") not in (1, 2):
            raise Refusal(
                "invalid-argument", f"`p` (={self.p}) must be 1 or 2", "p", note="only p == 1 and p == 2 supported"
            )
        if self.weight is not None and self.weight.ndim != 1:
            message = f"MultiMarginLoss wants a weight of [classes], but it has {self.weight.ndim} dimensions"
            note = f"MultiMarginLoss: expected weight to be None or 1D tensor, got {self.weight.ndim}D instead"
            raise Refusal("wrong-rank", message, "weight", note=note)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiLabelMarginLoss(_Loss):
    """Computes the multi-label hinge loss of scores [N, C] against the class indices of each sample.

    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input: the scores [N, C] or [C].
    target: the class indices of the input's shape; -1 ends the classes of a sample.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.multilabel_margin_loss
    example = ("MultiLabelMarginLoss()(x, target)", "10", "target=int64[N, 10]")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiLabelSoftMarginLoss(_Loss):
    """Computes the binary cross entropy of logits [N, C] against 0/1 targets, averaged over the classes.

    weight: weights per class or per element, as a tensor; None weighs all equally.
    size_average, reduce: deprecated; override `reduction` when given.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    input: the logits [N, C].
    target: 0 or 1 per class, [N, C].
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.multilabel_soft_margin_loss
    example = ("MultiLabelSoftMarginLoss()(x, target)", "10", "target=10")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class LinearCrossEntropyLoss(_Loss):
    """Computes the cross entropy of the logits that a linear layer computes from features.

    in_features: the number of features per sample.
    num_classes: the number of classes.
    out_features: the sizes of further output dimensions per class, a tuple.
    bias: whether the linear layer has a learnable bias.
    reduction: how to combine the losses: 'none' (keep each), 'mean' or 'sum'.
    weight: a weight per class, as a tensor; None weighs all classes equally.
    ignore_index: the class index to ignore in the targets.
    label_smoothing: the share of each target to spread over all classes, from 0 to 1.
    options: torch's chunking options; not available in a spec.
    """

    in_features: Size
    num_classes: Size
    out_features: tuple = ()  # type: ignore[type-arg]
    bias: bool = False
    device: Device | None = None
    dtype: DType | None = None
    reduction: str = "mean"
    weight: Tensor | None = None
    ignore_index: int | None = None
    label_smoothing: float = 0.0
    options: None = None

    keyword_only = (
        "out_features", "bias", "device", "dtype", "reduction", "weight", "ignore_index", "label_smoothing", "options"
    )  # fmt: skip
    auto = {"in_features": (0, -1)}
    functional = functions.linear_cross_entropy
    example = ("LinearCrossEntropyLoss(20, 10)(x, target)", "20", "target=int64[N]")

    def check(self) -> None:
        if not all(is_size(size) for size in self.out_features):
            raise Refusal("wrong-type", "LinearCrossEntropyLoss takes a tuple of sizes as out_features", "out_features")
        self.require_sizes("in_features")
        if at_least(self._outputs(), 0) is False:
            message = "LinearCrossEntropyLoss wants num_classes and out_features of 0 or more"
            raise Refusal("invalid-argument", message, "num_classes")
        if self.weight is not None and not alike(self.weight.shape, (self.num_classes,)):
            message = f"LinearCrossEntropyLoss wants a weight for each of {self.num_classes} classes, not {self.weight}"
            raise Refusal("size-mismatch", message, "weight")
        if not 0 <= number(self.label_smoothing, "label_smoothing") <= 1:
            message = f"`label_smoothing` (={self.label_smoothing}) must be from 0 to 1"
            raise Refusal("invalid-argument", message, "label_smoothing")
        self.require_learnable()

    def _outputs(self) -> Size:
        return product((self.num_classes, *self.out_features))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        dtype, outputs = self.parameter_dtype, (self.num_classes, *self.out_features)
        for size in outputs:
            if at_least(size, 0) is False:
                message = f"{{layer}} wants sizes of 0 or more, not {size}"
                raise Refusal("invalid-argument", message, "out_features")
        result: Tensor = functions.linear_cross_entropy.rule(
            input,
            Tensor((*outputs, self.in_features), dtype),
            target,
            linear_bias=Tensor(outputs, dtype) if self.bias else None,
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )
        return result

    def parameters(self) -> dict[str, Tensor]:
        dtype, outputs = self.parameter_dtype, self._outputs()
        found = {"linear.weight": Tensor((outputs, self.in_features), dtype)}
        return found | {"linear.bias": Tensor((outputs,), dtype)} if self.bias else found

    def macs(self, output: Any, input: Tensor, target: Tensor) -> Size:
        return product(input.shape[:-1]) * self._outputs() * self.in_features
