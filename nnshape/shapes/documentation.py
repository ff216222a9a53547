"""The page and the section of each layer and function in torch's documentation."""

from __future__ import annotations

from nnshape.shapes.function import Function
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import all_layers

_PAGES = "https://pytorch.org/docs/stable/generated"

#: The sections of torch.nn's documentation, and the families of rules in each.
LAYER_SECTIONS: dict[str, tuple[str, ...]] = {
    "Convolution": ("convolution", "transposed", "folding"),
    "Pooling": ("pooling", "adaptive", "unpooling"),
    "Padding": ("padding",),
    "Activation": ("activation", "softmax", "attention"),
    "Normalization": ("normalization", "instance"),
    "Recurrent": ("recurrent", "cell"),
    "Transformer": ("transformer", "transformer_layer"),
    "Linear": ("linear",),
    "Lazy": ("lazy",),
    "Dropout": ("dropout",),
    "Sparse": ("sparse",),
    "Distance": ("distance",),
    "Loss": ("loss", "class_loss", "pair_loss", "adaptive_softmax"),
    "Vision": ("vision",),
    "Shape": ("shape",),
}

#: The same for functions and methods.
FUNCTION_SECTIONS: dict[str, tuple[str, ...]] = {
    "Arithmetic, comparison, logic": ("pointwise", "elementary"),
    "Activation": ("activation", "softmax"),
    "Views, reshapes, order": ("shape", "rearrange", "repeating", "diagonals", "striding"),
    "Joining, splitting": ("joining", "splitting"),
    "Indexing, gathering": ("indexing", "gathering", "scattering", "putting"),
    "In place": ("inplace",),
    "Reduction": ("reduction",),
    "Sorting, searching": ("ranking", "counting"),
    "Matrices": ("matrix", "products", "einsum", "linalg"),
    "Fourier transforms": ("spectral",),
    "Creation": ("creation", "samples"),
    "Conversion, properties": ("conversion",),
    "Convolution, pooling": ("convolution", "pooling", "adaptive", "unpooling", "folding"),
    "Normalization, dropout": ("normalization", "dropout"),
    "Embedding, attention, linear": ("network", "attention"),
    "Packed sequences": ("packing",),
    "Padding, vision": ("padding", "vision"),
    "Distance, loss": ("distance", "losses", "class_losses", "pair_losses", "likelihood_losses"),
}

#: The sections that document torch.nn.functional.
_FUNCTIONAL = (
    "Activation", "Convolution, pooling", "Normalization, dropout", "Embedding, attention, linear", "Padding, vision",
    "Distance, loss",
)  # fmt: skip
_OF_FUNCTIONAL = frozenset(family for section in _FUNCTIONAL for family in FUNCTION_SECTIONS[section])
_OF_LINALG = frozenset({"inv", "eigh", "eigvalsh", "svdvals", "vector_norm", "vecdot", "multi_dot"})


def family_of(rule: Function | type[Layer]) -> str:
    """The file that declares a rule."""
    module = rule.rule.__module__ if isinstance(rule, Function) else rule.__module__
    return str(module).rpartition(".")[2]


def torch_name(rule: Function | type[Layer]) -> str:
    """A layer's or function's full name in torch: `torch.nn.Conv2d`, `torch.cat`, `torch.Tensor.view`."""
    if not isinstance(rule, Function):
        return f"torch.nn.{rule.__name__}"
    family, name = family_of(rule), rule.name
    if rule.only_method:
        return f"torch.Tensor.{name}"
    if family == "spectral" and name not in ("stft", "istft"):
        return f"torch.fft.{name}"
    if name in _OF_LINALG:
        return f"torch.linalg.{name}"
    if name == "getitem":
        return "torch.Tensor"
    if family == "packing":
        return f"torch.nn.utils.rnn.{name}"
    if family in _OF_FUNCTIONAL and name not in ("sigmoid_", "tanh_"):
        return f"torch.nn.functional.{name}"
    return f"torch.{name}" if not name.endswith("_") else f"torch.Tensor.{name}"


def page_of(rule: Function | type[Layer]) -> str:
    """The URL of torch's page."""
    if isinstance(rule, Function) and rule.name == "getitem":
        return "https://pytorch.org/docs/stable/tensor_view.html"
    return f"{_PAGES}/{torch_name(rule)}.html"


def layers_by_section() -> dict[str, list[str]]:
    """Every layer that has a rule, by section."""
    return _by_section(LAYER_SECTIONS, {name: family_of(layer) for name, layer in all_layers().items()})


def functions_by_section() -> dict[str, list[str]]:
    """Every function and method that has a rule, by section."""
    return _by_section(FUNCTION_SECTIONS, {name: family_of(rule) for name, rule in all_functions().items()})


def _by_section(sections: dict[str, tuple[str, ...]], families: dict[str, str]) -> dict[str, list[str]]:
    section_of = {family: section for section, held in sections.items() for family in held}
    found: dict[str, list[str]] = {section: [] for section in sections}
    for name, family in families.items():
        found.setdefault(section_of.get(family, "Other"), []).append(name)
    return {section: sorted(names, key=str.casefold) for section, names in found.items() if names}
