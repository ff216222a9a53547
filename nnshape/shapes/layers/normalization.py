"""Normalizations: https://pytorch.org/docs/stable/nn.html#normalization-layers.

Instance norm and local response norm are in `instance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.constraints import assume_at_least, assume_divisible
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64, DType
from nnshape.shapes.functions import normalization as rules
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, shape_text
from nnshape.shapes.windows import each_at_least, torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes


class _Normalization(Layer):
    """Normalizes each channel.

    num_features: the number of channels.
    eps: a small number added to the variance to avoid division by zero.
    momentum: the weight of a new batch in the running statistics; None averages all batches equally.
    affine: whether to learn a scale and a shift per channel.
    track_running_stats: whether to keep running statistics for evaluation.
    bias: whether `affine` includes the shift.
    """

    keyword_only = ("bias",)
    auto = {"num_features": (0, 1)}

    if TYPE_CHECKING:
        num_features: Size
        eps: float
        affine: bool
        track_running_stats: bool
        bias: bool

    def check(self) -> None:
        if self.affine or self.track_running_stats:
            self.require_sizes("num_features")
        if self.affine:
            self.require_learnable()
            each_at_least((self.num_features,), 1, "num_features", type(self).__name__)

    def parameters(self) -> dict[str, Tensor]:
        if not self.affine:
            return {}
        vector = Tensor((self.num_features,), self.parameter_dtype)
        return {"weight": vector, "bias": vector.like()} if self.bias else {"weight": vector}

    def buffers(self) -> dict[str, Tensor]:
        if not self.track_running_stats:
            return {}
        vector = Tensor((self.num_features,), self.parameter_dtype)
        return {"running_mean": vector, "running_var": vector.like(), "num_batches_tracked": Tensor((), INT64)}


class _BatchNormalization(_Normalization):
    """Normalizes each channel over the batch."""

    ranks: ClassVar[tuple[int, ...]]

    def forward(self, input: Tensor) -> Tensor:
        if len(input.shape) not in self.ranks:
            raise self._wrong_rank(input)
        stored = self.affine or self.track_running_stats
        channels, dtype = (self.num_features, self.parameter_dtype) if stored else (None, None)
        always = not self.track_running_stats
        first = "running_mean" if self.track_running_stats else "weight"
        return rules.batch_normalized(input, channels, dtype, True, self.eps, "num_features", always, first)

    def _wrong_rank(self, input: Tensor) -> Refusal:
        wanted = " or ".join(f"{rank}D" for rank in self.ranks) if len(self.ranks) < 3 else "at least 2D"
        note = f"expected {wanted} input (got {len(input.shape)}D input)"
        shape = torch_shape(input) if len(input.shape) < 3 else shape_text(input.shape)
        return Refusal("wrong-rank", f"{{layer}} is {type(self).__name__}, but {shape} arrives", "input", note=note)

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        if len(input.shape) not in self.ranks:
            return None
        shape = (input.shape[0], self.num_features, *input.shape[2:])
        return (Tensor(shape, self.parameter_dtype),)


class _BatchNorm(_BatchNormalization):
    num_features: Size
    eps: float = 1e-05
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    device: Device | None = None
    dtype: DType | None = None
    bias: bool = True


class BatchNorm1d(_BatchNorm):
    """Normalizes each channel of [N, C] or [N, C, L] over the batch.

    input: the input tensor [N, C] or [N, C, L].
    """

    ranks = (2, 3)
    functional = rules.batch_norm
    example = ("BatchNorm1d(100)", "100x40")


class BatchNorm2d(_BatchNorm):
    """Normalizes each channel of [N, C, H, W] over the batch.

    input: the input tensor [N, C, H, W].
    """

    ranks = (4,)
    functional = rules.batch_norm
    example = ("BatchNorm2d(64)", "64x112x112")


class BatchNorm3d(_BatchNorm):
    """Normalizes each channel of [N, C, D, H, W] over the batch.

    input: the input tensor [N, C, D, H, W].
    """

    ranks = (5,)
    functional = rules.batch_norm
    example = ("BatchNorm3d(100)", "100x35x45x10")


class SyncBatchNorm(_BatchNormalization):
    """Normalizes each channel over the batches of all processes; like BatchNorm in a single process.

    process_group: the processes that share statistics; all if None.
    input: the input tensor [N, C, *].
    """

    num_features: Size
    eps: float = 1e-05
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    process_group: Any | None = None
    device: Device | None = None
    dtype: DType | None = None
    bias: bool = True

    ranks = tuple(range(2, 65))
    functional = rules.batch_norm
    example = ("SyncBatchNorm(100)", "100x35x45x10")

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[1:2] == (0,):
            note = "SyncBatchNorm number of input channels should be non-zero"
            raise Refusal("empty-output", "{layer} wants a channel or more, but none arrives", "input", note=note)
        return super().forward(input)


class LayerNorm(Layer):
    """Normalizes each sample over its trailing dimensions and applies a learnable scale and shift.

    normalized_shape: the sizes of the trailing dimensions to normalize over.
    eps: a small number added to the variance to avoid division by zero.
    elementwise_affine: whether to learn a scale and a shift per element.
    bias: whether `elementwise_affine` includes the shift.
    input: the input tensor [N, *, *normalized_shape].
    """

    normalized_shape: Sizes
    eps: float = 1e-05
    elementwise_affine: bool = True
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    auto = {"normalized_shape": (0, -1)}
    functional = rules.layer_norm
    example = ("LayerNorm(768)", "128x768")

    def check(self) -> None:
        with in_other_words():  # torch refuses the call, and other faults of the call first
            sizes = rules.normalized_sizes(type(self).__name__, self.normalized_shape)
        each_at_least(sizes, 0, "normalized_shape", type(self).__name__)
        if self.elementwise_affine:
            self.require_learnable()

    def _sizes(self) -> tuple[Size, ...]:
        with in_other_words():
            return rules.normalized_sizes(type(self).__name__, self.normalized_shape)

    def forward(self, input: Tensor) -> Tensor:
        return rules.layer_normalized(input, self._sizes(), self.parameter_dtype if self.elementwise_affine else None)

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        sizes = self._sizes()
        if len(input.shape) < len(sizes):
            return None
        return (Tensor((*input.shape[: -len(sizes)], *sizes), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        if not self.elementwise_affine:
            return {}
        weight = Tensor(self._sizes(), self.parameter_dtype)
        return {"weight": weight, "bias": weight.like()} if self.bias else {"weight": weight}


class RMSNorm(Layer):
    """Divides each sample by the root mean square of its trailing dimensions and applies a learnable scale.

    normalized_shape: the sizes of the trailing dimensions to normalize over.
    eps: a small number added to the mean square; the dtype's machine epsilon if None.
    elementwise_affine: whether to learn a scale per element.
    x: the input tensor [N, *, *normalized_shape].
    """

    normalized_shape: Sizes
    eps: float | None = None
    elementwise_affine: bool = True
    device: Device | None = None
    dtype: DType | None = None

    auto = {"normalized_shape": (0, -1)}
    functional = rules.rms_norm
    example = ("RMSNorm(768)", "128x768")

    def check(self) -> None:
        each_at_least(self._sizes(), 0, "normalized_shape", type(self).__name__)
        if self.elementwise_affine:
            self.require_learnable()

    def _sizes(self) -> tuple[Size, ...]:
        with in_other_words():
            return rules.normalized_sizes(type(self).__name__, self.normalized_shape)

    def forward(self, x: Tensor) -> Tensor:
        return rules.rms_normalized(x, self._sizes())

    def expected_inputs(self, x: Tensor) -> tuple[Tensor] | None:
        sizes = self._sizes()
        return None if len(x.shape) < len(sizes) else (x.like((*x.shape[: -len(sizes)], *sizes), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        return {"weight": Tensor(self._sizes(), self.parameter_dtype)} if self.elementwise_affine else {}


class GroupNorm(Layer):
    """Normalizes each sample over groups of channels and applies a learnable scale and shift per channel.

    num_groups: the number of groups.
    num_channels: the number of channels.
    eps: a small number added to the variance to avoid division by zero.
    affine: whether to learn a scale and a shift per channel.
    bias: whether `affine` includes the shift.
    input: the input tensor [N, C, *].
    """

    num_groups: Size
    num_channels: Size
    eps: float = 1e-05
    affine: bool = True
    device: Device | None = None
    dtype: DType | None = None
    bias: bool = True

    keyword_only = ("bias",)
    auto = {"num_channels": (0, 1)}
    functional = rules.group_norm
    example = ("GroupNorm(3, 6)", "6x10x10")

    def check(self) -> None:
        if not assume_at_least(self.num_groups, 1):
            message = f"GroupNorm wants num_groups of 1 or more, not {self.num_groups}"
            raise Refusal("invalid-argument", message, "num_groups")
        if not assume_divisible(self.num_channels, self.num_groups):
            message = f"`num_channels` (={self.num_channels}) must be divisible by `num_groups` (={self.num_groups})"
            note = f"num_channels ({self.num_channels}) must be divisible by num_groups ({self.num_groups})"
            division = (self.num_channels, self.num_groups)
            raise Refusal("not-divisible", message, "num_groups", note=note, division=division)
        if self.affine:
            self.require_sizes("num_channels")
            self.require_learnable()

    def forward(self, input: Tensor) -> Tensor:
        if self.affine and len(input.shape) > 1:
            rules.require_group_channels(input, self.num_channels, self.num_groups)
        return rules.group_normalized(input, self.num_groups, self.parameter_dtype if self.affine else None)

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        if len(input.shape) < 2:
            return None
        return (Tensor((input.shape[0], self.num_channels, *input.shape[2:]), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        if not self.affine:
            return {}
        vector = Tensor((self.num_channels,), self.parameter_dtype)
        return {"weight": vector, "bias": vector.like()} if self.bias else {"weight": vector}
