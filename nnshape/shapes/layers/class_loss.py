"""Losses that compare scores with classes: https://pytorch.org/docs/stable/nn.html#loss-functions."""

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
    """Takes the negative logarithm of the probability that was given to the true class.

    weight: a tensor of one weight a class, or None.
    ignore_index: the class whose targets do not count.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.nll_loss
    example = ("NLLLoss()(x, target)", "10", "target=int64[N]")

    def declared(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class NLLLoss2d(_Loss):
    """Is an old name of NLLLoss.

    weight: a tensor of one weight a class, or None.
    ignore_index: the class whose targets do not count.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.nll_loss
    example = ("NLLLoss2d()(x, target)", "10", "target=int64[N]")

    def declared(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class CrossEntropyLoss(_Loss):
    """Takes the negative logarithm of the share that the scores give to the true class, or to class probabilities.

    weight: a tensor of one weight a class, or None.
    ignore_index: the class whose targets do not count.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    label_smoothing: the share of each target that is spread over all classes.
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"
    label_smoothing: float = 0.0

    functional = functions.cross_entropy
    example = ("CrossEntropyLoss()(x, target)", "10", "target=int64[N]")

    def declared(self, input: Tensor, target: Tensor) -> tuple[Tensor, ...] | None:
        if not input.shape:
            return None
        shape = () if input.ndim == 1 else (input.shape[0], *input.shape[2:])
        return input, Tensor(shape, INT64)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiMarginLoss(_Loss):
    """Sums by how much each wrong class's score comes within a margin of the true class's.

    p: the power, 1 or 2, of each shortfall.
    margin: how far below the true class's score another must stay.
    weight: a tensor of one weight a class, or None.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
            message = f"MultiMarginLoss wants one weight a class, but weight has {self.weight.ndim} dimensions"
            note = f"MultiMarginLoss: expected weight to be None or 1D tensor, got {self.weight.ndim}D instead"
            raise Refusal("wrong-rank", message, "weight", note=note)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiLabelMarginLoss(_Loss):
    """Sums by how much each wrong class's score comes within a margin of each true class's.

    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    """

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    functional = functions.multilabel_margin_loss
    example = ("MultiLabelMarginLoss()(x, target)", "10", "target=int64[N, 10]")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.apply_functional(input, target)


class MultiLabelSoftMarginLoss(_Loss):
    """Averages over the classes how well the sigmoid of each score foretells whether its class is there.

    weight: a tensor of weights, one a class or an element, or None.
    size_average, reduce: torch's older way to choose the reduction; both win over it where given.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
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
    """Takes the cross entropy of the scores that a linear map makes of features.

    in_features: how many features each sample has.
    num_classes: how many classes are scored.
    out_features: the sizes of further outputs a class, a tuple.
    bias: whether the linear map adds a learnable bias.
    reduction: 'none' for a loss each, 'mean' or 'sum' for one in all.
    weight: a tensor of one weight a class, or None.
    ignore_index: the class whose targets do not count.
    label_smoothing: the share of each target that is spread over all classes.
    options: torch's options of its computation in parts; a spec has none.
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
        self.require_learnable()
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
