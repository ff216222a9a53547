"""Softmax over many classes: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size, at_least
from nnshape.shapes.dtypes import DType, is_complex
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import number


class ASMoutput(NamedTuple):
    """The log-probability of each target class, and their mean loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Layer):
    """Approximates a log-softmax over many classes by scoring rare ones in clusters; returns (output, loss).

    `output` holds the log-probability of each target, [N]; `loss` is their negated mean.

    in_features: the number of features per sample.
    n_classes: the number of classes, sorted from frequent to rare.
    cutoffs: the first class of each cluster, in increasing order from 1 to n_classes - 1.
    div_value: the factor by which each further cluster has fewer features.
    head_bias: whether the head has a learnable bias.
    input_: the input tensor [N, in_features] or [in_features].
    target_: the class indices [N] or [], as int64.
    """

    in_features: Size
    n_classes: Size
    cutoffs: tuple  # type: ignore[type-arg]
    div_value: float = 4.0
    head_bias: bool = False
    device: Device | None = None
    dtype: DType | None = None

    auto = {"in_features": (0, -1)}
    example = ("AdaptiveLogSoftmaxWithLoss(64, 1000, [10, 100])(x, target)", "64", "target=int64[N]")

    def check(self) -> None:
        cutoffs = [number(cutoff, "cutoffs") for cutoff in self.cutoffs]
        plain = all(isinstance(cutoff, int) for cutoff in cutoffs)
        classes = number(self.n_classes, "n_classes")
        if not cutoffs or not plain or cutoffs != sorted(set(cutoffs)) or cutoffs[0] < 1 or cutoffs[-1] > classes - 1:
            message = f"`cutoffs` (={cutoffs}) must be increasing integers from 1 to `n_classes` - 1 (={classes} - 1)"
            note = (
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                "where each value is between 1 and n_classes-1"
                if cutoffs
                else "cutoffs should be a sequence of length larger than 0"
            )
            raise Refusal("invalid-argument", message, "cutoffs", note=note)
        number(self.div_value, "div_value")
        number(self.in_features, "in_features")
        self.require_sizes("in_features")
        self.require_learnable()
        try:
            narrow = [size for size, _ in self._clusters()]
        except (ZeroDivisionError, OverflowError, ValueError, TypeError):
            narrow = [-1]
        if min(narrow) < 0:
            message = f"`div_value` (={self.div_value}) leaves a cluster without features"
            raise Refusal("invalid-argument", message, "div_value")
        if is_complex(self.parameter_dtype):
            message = f"AdaptiveLogSoftmaxWithLoss cannot compute in {self.parameter_dtype}"
            raise Refusal("invalid-argument", message, "dtype")

    def _clusters(self) -> list[tuple[int, int]]:
        """The number of features and of classes in each cluster."""
        features: Any = self.in_features
        ends = pairwise((*self.cutoffs, self.n_classes))
        return [(int(features // self.div_value ** (index + 1)), high - low) for index, (low, high) in enumerate(ends)]

    def forward(self, input_: Tensor, target_: Tensor) -> ASMoutput:
        if target_.ndim > 1:
            message = f"{{layer}} wants class indices as int64[N], but target_ is {target_}"
            note = "0D or 1D target tensor expected, multi-target not supported"
            raise Refusal("wrong-rank", message, "target_", note=note)
        if input_.ndim != target_.ndim + 1:
            wanted = "[N, features]" if target_.ndim else "[features]"
            message = f"{{layer}} wants {wanted} for a target_ of {target_.ndim} dimensions, but {input_} arrives"
            raise Refusal("wrong-rank", message, "input_")
        if target_.ndim and not assume_equal(input_.shape[0], target_.shape[0]):
            message = f"{{layer}} gets {input_.shape[0]} samples, but {target_.shape[0]} class indices"
            note = "Input and target should have the same size in the batch dimension."
            raise Refusal("size-mismatch", message, "target_", note=note)
        arrives = input_.shape[-1]
        if not assume_equal(arrives, self.in_features):
            message = f"{{layer}} reads {self.in_features} features, but {arrives} arrive{'s' if arrives == 1 else ''}"
            raise Refusal("size-mismatch", message, "in_features")
        self.require_dtype(input_, "input_")
        if target_.dtype not in ("int64", "int32"):
            raise Refusal(
                "wrong-dtype", f"{{layer}} wants class indices of int64, but target_ is {target_.dtype}", "target_"
            )
        if target_.span is not None and at_least(self.n_classes - 1, target_.span[1]) is False:
            message = f"{{layer}} has {self.n_classes} classes, but target_ reaches {target_.span[1]}"
            raise Refusal("index-error", message, "target_")
        return ASMoutput(input_.like(target_.shape), input_.like(()))

    def parameters(self) -> dict[str, Tensor]:
        dtype = self.parameter_dtype
        clusters = self._clusters()
        head = self.cutoffs[0] + len(clusters)
        found = {"head.weight": Tensor((head, self.in_features), dtype)}
        if self.head_bias:
            found["head.bias"] = Tensor((head,), dtype)
        for index, (features, classes) in enumerate(clusters):
            found[f"tail.{index}.0.weight"] = Tensor((features, self.in_features), dtype)
            found[f"tail.{index}.1.weight"] = Tensor((classes, features), dtype)
        return found

    def derivation(self, input_: Tensor, target_: Tensor) -> tuple[str, ...]:
        clusters = self._clusters()
        scores = (
            f"head: {self.cutoffs[0]} classes + {len(clusters)} clusters = {self.cutoffs[0] + len(clusters)} scores"
        )
        tails = (
            f"cluster {index}: {self.in_features} // {self.div_value:g}**{index + 1} = {features} features"
            f" -> {classes} classes"
            for index, (features, classes) in enumerate(clusters)
        )
        return (
            scores,
            *tails,
            f"output: the score of the target class, one per target: {target_.like(dtype=input_.dtype)}",
        )

    def macs(self, output: Any, input_: Tensor, target_: Tensor) -> Size:
        """MACs of the head for each sample; which clusters run depends on the targets' values."""
        samples = input_.shape[0] if input_.ndim == 2 else 1
        scores: Size = self.cutoffs[0] + len(self.cutoffs)
        return samples * self.in_features * scores
