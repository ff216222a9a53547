"""Layers and functions of Keras, Flax, NumPy and other libraries, as torch writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.problems import Edit
from nnshape.spec import nodes

if TYPE_CHECKING:
    from nnshape.spec import Expression

#: The libraries that a name is often prefixed with.
LIBRARIES = {
    "einops": "einops", "eqx": "Equinox", "flax": "Flax", "gluon": "MXNet", "hk": "Haiku", "jax": "JAX", "jnp": "JAX",
    "keras": "Keras", "layers": "Keras", "linen": "Flax", "mx": "MXNet", "mxnet": "MXNet", "nnx": "Flax",
    "np": "NumPy", "numpy": "NumPy", "paddle": "PaddlePaddle", "scipy": "SciPy", "tensorflow": "TensorFlow",
    "tf": "TensorFlow", "timm": "timm", "torchvision": "torchvision", "transformers": "transformers",
}  # fmt: skip

#: Layers: the library, the name, the arguments, and torch's form. A part in brackets is written if its argument is
#: given; `?` stands for 1, 2 and 3; several forms are for inputs of different ranks.
_STRIDE, _PADDING = "[, stride={strides}]", "[, padding={padding}]"
_LAYERS = (
    ("Keras", "Dense", "units, use_bias, features", "Linear(auto, {units}[, bias={use_bias}])"),
    ("Keras", "Conv?D", "filters, kernel_size, strides, padding",
     "Conv?d(auto, {filters}, {kernel_size}" + _STRIDE + _PADDING + ")"),
    ("Keras", "Convolution?D", "filters, kernel_size, strides, padding",
     "Conv?d(auto, {filters}, {kernel_size}" + _STRIDE + _PADDING + ")"),
    ("Keras", "Conv?DTranspose", "filters, kernel_size, strides",
     "ConvTranspose?d(auto, {filters}, {kernel_size}" + _STRIDE + ")"),
    ("Keras", "MaxPooling?D", "pool_size=2, strides", "MaxPool?d({pool_size}" + _STRIDE + ")"),
    ("Keras", "AveragePooling?D", "pool_size=2, strides", "AvgPool?d({pool_size}" + _STRIDE + ")"),
    ("Keras", "GlobalAveragePooling?D", "", "Sequential(AdaptiveAvgPool?d(1), Flatten())"),
    ("Keras", "GlobalAvgPool?D", "", "Sequential(AdaptiveAvgPool?d(1), Flatten())"),
    ("Keras", "GlobalMaxPooling?D", "", "Sequential(AdaptiveMaxPool?d(1), Flatten())"),
    ("Keras", "GlobalMaxPool?D", "", "Sequential(AdaptiveMaxPool?d(1), Flatten())"),
    ("Keras", "BatchNormalization", "", "BatchNorm2d(auto) | BatchNorm1d(auto) | BatchNorm3d(auto)"),
    ("Keras", "LayerNormalization", "", "LayerNorm(auto)"),
    ("Keras", "GroupNormalization", "groups=32", "GroupNorm({groups}, auto)"),
    ("Keras", "UpSampling?D", "size=2", "Upsample(scale_factor={size})"),
    ("Keras", "ZeroPadding?D", "padding=1", "ZeroPad?d({padding})"),
    ("Keras", "SpatialDropout?D", "rate", "Dropout?d({rate})"),
    ("Keras", "Reshape", "shape", "view(N, {shape})"),
    ("Keras", "RepeatVector", "n", "unsqueeze(1).expand(N, {n}, -1)"),
    ("Flax", "Conv", "features, kernel_size, strides",
     "Conv2d(auto, {features}, {kernel_size}" + _STRIDE + ") | Conv1d(auto, {features}, {kernel_size}" + _STRIDE + ")"),
    ("Flax", "BatchNorm", "", "BatchNorm2d(auto) | BatchNorm1d(auto) | BatchNorm3d(auto)"),
    ("Flax", "Embed", "num_embeddings, features", "Embedding({num_embeddings}, {features})"),
    ("PaddlePaddle", "LayerList", "layers", "ModuleList({layers})"),
)  # fmt: skip
#: Layers that no call of torch replaces as it stands: the library, and what to write.
_IN_WORDS = {
    "Add": ("Keras", "a + b"),
    "Average": ("Keras", "(a + b) / 2"),
    "Bidirectional": ("Keras", "LSTM(input_size, hidden_size, batch_first=True, bidirectional=True)"),
    "Concatenate": ("Keras", "cat([a, b], 1)"),
    "ConvTranspose": ("Flax", "ConvTranspose2d(in_channels, out_channels, kernel_size)"),
    "DepthwiseConv2D": ("Keras", "Conv2d(channels, channels, kernel_size, groups=channels)"),
    "Dot": ("Keras", "a @ b"),
    "Input": ("Keras", "the shape of one sample under input"),
    "InputLayer": ("Keras", "the shape of one sample under input"),
    "Lambda": ("Keras", "the operation itself, such as x * 2"),
    "Maximum": ("Keras", "maximum(a, b)"),
    "Minimum": ("Keras", "minimum(a, b)"),
    "Multiply": ("Keras", "a * b"),
    "Permute": ("Keras", "permute(0, …), with N in front"),
    "Rescaling": ("Keras", "x * scale"),
    "SelfAttention": ("Flax", "MultiheadAttention(embed_dim, num_heads, batch_first=True)(x, x, x)"),
    "SeparableConv2D": ("Keras", "a Conv2d with groups, and a Conv2d of kernel size 1"),
    "Subtract": ("Keras", "a - b"),
    "TimeDistributed": ("Keras", "the layer itself: torch applies it to every step"),
}
_SIGNS = {"Add": " + ", "Multiply": " * ", "Subtract": " - "}

#: Functions of other libraries, and torch's.
_FUNCTIONS = {
    "avg_pool": "avg_pool2d", "conv2d_transpose": "conv_transpose2d", "expand_dims": "unsqueeze",
    "max_pool": "max_pool2d", "reduce_max": "amax", "reduce_mean": "mean", "reduce_min": "amin", "reduce_sum": "sum",
    "swish": "silu",
}  # fmt: skip
_EINOPS = ("rearrange", "reduce", "Rearrange", "Reduce", "EinMix", "pack", "unpack")
#: Activations by Keras's names.
_ACTIVATIONS = {
    "elu": "ELU()", "gelu": "GELU()", "leaky_relu": "LeakyReLU()", "linear": "", "relu": "ReLU()", "relu6": "ReLU6()",
    "selu": "SELU()", "sigmoid": "Sigmoid()", "silu": "SiLU()", "softmax": "Softmax(-1)", "softplus": "Softplus()",
    "swish": "SiLU()", "tanh": "Tanh()",
}  # fmt: skip
#: Arguments that change no shape and have no like in torch's constructors.
_IGNORED = re.compile(r"name|dtype|trainable|input_shape|input_dim|.*_(initializer|regularizer|constraint)")
_PART = re.compile(r"\[(.*?\{.*?)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Foreign:
    """How another library writes a layer: its arguments in order, their defaults, and torch's forms of it."""

    __slots__ = ("_defaults", "_forms", "_names", "help", "library")

    def __init__(self, library: str, parameters: str, forms: str) -> None:
        pairs = [item.partition("=") for item in filter(None, parameters.split(", "))]
        self.library = library
        self._names = [name for name, _, _ in pairs]
        self._defaults = {name: default for name, equals, default in pairs if equals}
        self._forms = forms.split(" | ") if forms else []
        #: torch's form, with the library's names for the arguments.
        self.help = _PLACEHOLDER.sub(r"\1", _PART.sub("", self._forms[0])) if forms else ""

    def translations(self, expression: Expression, call: nodes.Call) -> list[Edit]:
        """The edits that write a call of the layer as torch's, one for each form. They are not tried."""
        if len(call.args) > len(self._names) or any(isinstance(item, nodes.Starred) for item in call.args):
            return []
        texts = (expression.span(item).text for item in call.args)
        given = {**self._defaults, **dict(zip(self._names, texts, strict=False))}
        activation = ""
        for keyword in call.keywords:
            name, text = keyword.name or "", expression.span(keyword.value).text
            if name == "activation" and text.strip("'\"") in _ACTIVATIONS:
                activation = _ACTIVATIONS[text.strip("'\"")]
            elif name in self._names:
                given[name] = text
            elif _IGNORED.fullmatch(name) is None:
                return []
        if "features" in given:
            given.setdefault("units", given["features"])
        if "shape" in given:
            given["shape"] = given["shape"].strip("(), ")
        made = filter(None, (_filled(form, given) for form in self._forms))
        whole = expression.span(call)
        return [Edit(whole, f"Sequential({form}, {activation})" if activation else form) for form in made]


def _filled(form: str, given: dict[str, str]) -> str:
    """A form with its arguments; empty if one that it needs is not given."""

    def part(match: re.Match[str]) -> str:
        return match[1] if given.keys() >= set(_PLACEHOLDER.findall(match[1])) else ""

    form = _PART.sub(part, form)
    if not given.keys() >= set(_PLACEHOLDER.findall(form)):
        return ""
    return _PLACEHOLDER.sub(lambda match: given[match[1]], form)


def foreign_layer(name: str) -> Foreign | None:
    """How another library writes a layer of this name; None if none is known to."""
    for library, own, parameters, forms in _LAYERS:
        for digit in "123":
            if own[0] == name[:1] and own.replace("?", digit).casefold() == name.casefold():
                return Foreign(library, parameters, forms.replace("?", digit))
    return None


def in_words(name: str) -> tuple[str, str] | None:
    """The library of a layer that no call of torch replaces, and the help; None if the name is not known."""
    return _IN_WORDS.get(name)


def joined(expression: Expression, outer: nodes.Call, name: str) -> list[Edit]:
    """The edit that writes `Add()([a, b])` as `a + b`, and `Concatenate()([a, b])` as `cat([a, b], 1)`."""
    items = outer.args[0] if len(outer.args) == 1 else None
    if not isinstance(items, nodes.List):
        return []
    texts = [expression.span(item).text for item in items.items]
    text = f"cat([{', '.join(texts)}], 1)" if name == "Concatenate" else _SIGNS.get(name, "").join(texts)
    return [Edit(expression.span(outer), text)] if name == "Concatenate" or name in _SIGNS else []


def activation(text: str) -> str:
    """torch's layer for the name of an activation in Keras; empty for an unknown name."""
    return _ACTIVATIONS.get(text, "")


def foreign_function(name: str) -> tuple[str, str] | None:
    """The library that a function is known from, and torch's function for it; None if it is not known."""
    if name in _EINOPS:
        return "einops", "permute, flatten, unflatten or mean"
    return ("TensorFlow", _FUNCTIONS[name]) if name in _FUNCTIONS else None
