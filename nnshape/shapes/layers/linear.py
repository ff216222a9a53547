"""Linear layers: https://pytorch.org/docs/stable/nn.html#linear-layers."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType
from nnshape.shapes.functions import network as functions
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor


class Identity(Layer):
    """Returns its input unchanged and ignores its arguments."""

    example = ("Identity()", "6x28x28")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Linear(Layer):
    """Applies input @ weight.T + bias to the last dimension: [..., in_features] -> [..., out_features].

    in_features: the size of the input's last dimension.
    out_features: the size of the output's last dimension.
    bias: whether to add a learnable bias.
    input: the input tensor [*, in_features].
    """

    in_features: Size
    out_features: Size
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    auto = {"in_features": (0, -1)}
    functional = functions.linear
    example = ("Linear(20, 30)", "20")

    def check(self) -> None:
        self.require_sizes("in_features", "out_features")
        self.require_learnable()

    def forward(self, input: Tensor) -> Tensor:
        if input.dtype != self.parameter_dtype:
            # Without a bias, torch compares the sizes first.
            with in_other_words(not self.bias and input.shape[-1:] != (self.in_features,)):
                self.require_dtype(input, note=functions.dtypes_sentence(input, self.parameter_dtype, self.bias))
        return functions.mapped(input, (self.out_features, self.in_features), "in_features")

    def expected_inputs(self, input: Tensor) -> tuple[Tensor]:
        return (input.like((*input.shape[:-1], self.in_features), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        weight = Tensor((self.out_features, self.in_features), self.parameter_dtype)
        return (
            {"weight": weight, "bias": Tensor((self.out_features,), weight.dtype)} if self.bias else {"weight": weight}
        )

    def macs(self, output: Tensor, input: Tensor) -> Size:
        return output.numel() * self.in_features

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return functions.mapping_lines(input, self.out_features)


class Bilinear(Layer):
    """Applies a bilinear map to the last dimensions of two inputs: x1 @ weight @ x2 + bias.

    in1_features, in2_features: the size of each input's last dimension.
    out_features: the size of the output's last dimension.
    bias: whether to add a learnable bias.
    input1: the first input tensor [*, in1_features].
    input2: the second input tensor [*, in2_features].
    """

    in1_features: Size
    in2_features: Size
    out_features: Size
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    auto = {"in1_features": (0, -1), "in2_features": (1, -1)}
    functional = functions.bilinear
    example = ("Bilinear(20, 30, 40)", "20", "30")

    def check(self) -> None:
        self.require_sizes("in1_features", "in2_features", "out_features")
        self.require_learnable()
        if self.in1_features == 0:
            raise Refusal("invalid-argument", "Bilinear wants in1_features of 1 or more", "in1_features")

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        self.require_dtype(input1, "input1")
        self.require_dtype(input2, "input2")
        if input1.dtype in ("complex32", "complex64", "complex128"):
            raise Refusal("wrong-dtype", f"{{layer}} cannot learn in {input1.dtype}: use a float dtype", "dtype")
        sizes = (self.out_features, self.in1_features, self.in2_features)
        return functions.mapped_together(input1, input2, sizes, ("in1_features", "in2_features"))

    def parameters(self) -> dict[str, Tensor]:
        weight = Tensor((self.out_features, self.in1_features, self.in2_features), self.parameter_dtype)
        return (
            {"weight": weight, "bias": Tensor((self.out_features,), weight.dtype)} if self.bias else {"weight": weight}
        )

    def derivation(self, input1: Tensor, input2: Tensor) -> tuple[str, ...]:
        return functions.mapping_lines_together(input1, input2, self.out_features)

    def macs(self, output: Tensor, input1: Tensor, input2: Tensor) -> Size:
        return output.numel() * self.in1_features * self.in2_features
