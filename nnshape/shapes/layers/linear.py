"""Linear layers: https://pytorch.org/docs/stable/nn.html#linear-layers."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, Size, substitute
from nnshape.shapes.dtypes import DType
from nnshape.shapes.functions import network as functions
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product, shape_text


class Identity(Layer):
    """Passes its input on unchanged; takes any arguments and uses none."""

    example = ("Identity()", "6x28x28")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


def _require_products(input: Tensor) -> None:
    """Raise Refusal where torch's CPU multiplies no matrices of this dtype."""
    if input.dtype == "complex32":
        note = "\"addmm_impl_cpu_\" not implemented for 'ComplexHalf'"
        raise Refusal("wrong-dtype", "{layer} has no products of complex32, the dtype of input", "input", note=note)


class Linear(Layer):
    """Applies an affine map, input @ weight.T + bias, to the last dimension.

    in_features: the size of the input's last dimension.
    out_features: the size of the output's last dimension.
    bias: whether a learnable bias is added.
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
        self.require_dtype(input, note=_dtypes_sentence(input.dtype, self.parameter_dtype))
        if not input.shape:
            raise Refusal("wrong-rank", "{layer} wants a last dimension, but a single number arrives", "input")
        arrives = input.shape[-1]
        if not assume_equal(arrives, self.in_features):
            raise Refusal(
                "size-mismatch",
                f"{{layer}} wants {self.in_features} features, but {_what_arrives(input)}",
                "in_features",
                note=_torch_sentence(input, self.in_features, self.out_features),
                arrived=arrives,
                wanted=self.in_features,
                tensor=input,
                dims=(-1,),
            )
        _require_products(input)
        return input.like((*input.shape[:-1], self.out_features))

    def declared(self, input: Tensor) -> tuple[Tensor]:
        return (input.like((*input.shape[:-1], self.in_features), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        weight = Tensor((self.out_features, self.in_features), self.parameter_dtype)
        return (
            {"weight": weight, "bias": Tensor((self.out_features,), weight.dtype)} if self.bias else {"weight": weight}
        )

    def macs(self, output: Tensor, input: Tensor) -> Size:
        return output.numel() * self.in_features

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return (f"last dimension: {input.shape[-1]} -> {self.out_features}",)


#: What torch calls its dtypes in the sentences of its kernels.
_KERNEL_NAMES = {
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble", "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long",
}  # fmt: skip


def _dtypes_sentence(input: DType, weight: DType) -> str:
    names = [_KERNEL_NAMES.get(dtype) for dtype in (input, weight)]
    return f"mat1 and mat2 must have the same dtype, but got {names[0]} and {names[1]}" if all(names) else ""


def _what_arrives(input: Tensor) -> str:
    arrives = input.shape[-1]
    if input.ndim == 4:
        return f"a {shape_text(input.shape)} map arrives: its last dimension is {arrives}"
    if input.ndim > 2:
        return f"{arrives} arrive, the last of {shape_text(input.shape)}"
    return f"{arrives} arrive{'s' if arrives == 1 else ''}"


def _torch_sentence(input: Tensor, in_features: Size, out_features: Size) -> str:
    """What torch says of a batch of two; nothing where other sizes are symbols too."""
    rows, arrives = (substitute(size, {"N": 2}) for size in (product(input.shape[:-1]), input.shape[-1]))
    if isinstance(rows, Dim) or isinstance(arrives, Dim):
        return ""
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{arrives} and {in_features}x{out_features})"


class Bilinear(Layer):
    """Applies a bilinear map to the last dimensions of two inputs: x1 @ weight @ x2 + bias.

    in1_features, in2_features: the size of each input's last dimension.
    out_features: the size of the output's last dimension.
    bias: whether a learnable bias is added.
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
        if input1.ndim != input2.ndim or not input1.shape:
            message = f"{{layer}} wants two inputs alike but for the last dimension, but {input1} and {input2} arrive"
            raise Refusal("wrong-rank", message, "input2")
        for one, two in zip(input1.shape[:-1], input2.shape[:-1], strict=True):
            if not assume_equal(one, two):
                message = (
                    f"{{layer}} wants two inputs alike but for the last dimension, but {input1} and {input2} arrive"
                )
                raise Refusal("size-mismatch", message, "input2")
        if input1.dtype in ("complex32", "complex64", "complex128"):
            note = "_trilinear does not support automatic differentiation for outputs with complex dtype."
            raise Refusal(
                "wrong-dtype", f"{{layer}} cannot learn in {input1.dtype}: take a float dtype", "dtype", note=note
            )
        for name, input, wanted in (
            ("in1_features", input1, self.in1_features),
            ("in2_features", input2, self.in2_features),
        ):
            if not assume_equal(input.shape[-1], wanted):
                message = f"{{layer}} wants {wanted} features as {name}, but {_what_arrives(input)}"
                raise Refusal(
                    "size-mismatch", message, name, arrived=input.shape[-1], wanted=wanted, tensor=input, dims=(-1,)
                )
        return input1.like((*input1.shape[:-1], self.out_features))

    def parameters(self) -> dict[str, Tensor]:
        weight = Tensor((self.out_features, self.in1_features, self.in2_features), self.parameter_dtype)
        return (
            {"weight": weight, "bias": Tensor((self.out_features,), weight.dtype)} if self.bias else {"weight": weight}
        )

    def derivation(self, input1: Tensor, input2: Tensor) -> tuple[str, ...]:
        return (f"last dimension: {input1.shape[-1]} and {input2.shape[-1]} -> {self.out_features}",)

    def macs(self, output: Tensor, input1: Tensor, input2: Tensor) -> Size:
        return output.numel() * self.in1_features * self.in2_features
