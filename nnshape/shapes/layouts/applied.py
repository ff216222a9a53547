"""`Applied`, one application of a rule, and the registry of functions that give the layout of each rule's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

from nnshape.records import dataclass
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.function import TWINS, Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import Layout, Layouts, Mode, Undecided, is_empty
from nnshape.shapes.tensor import Tensor, tensors_in


class UnknownLayout(Exception):
    """The layout of the result depends on an argument whose layout is unknown."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A layer or function with its arguments by name, those of the layer's constructor included, and its result."""

    name: str
    arguments: Mapping[str, Any]
    result: Any
    mode: Mode

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def operands(self) -> tuple[Tensor, ...]:
        """Every tensor among the arguments, in order."""
        return tuple(tensors_in(dict(self.arguments)))

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Every tensor of the result."""
        return tuple(tensors_in(self.result))

    def layout(self, tensor: Tensor) -> Layout:
        """The layout of an argument. Raises UnknownLayout."""
        found = layout_of(tensor, self.mode)
        if found is None:
            raise UnknownLayout
        return found


Rule = Callable[[Applied], "Layout | Sequence[Layout]"]
_R = TypeVar("_R", bound=Rule)

#: The layout function of each layer or function, by torch's name; importing a family fills it.
REGISTRY: dict[str, Rule] = {}
#: The names whose result has the same layout for every input.
REGARDLESS: set[str] = set()
#: Those among them whose results are all contiguous.
CONTIGUOUS: set[str] = set()
#: The files of this folder that declare how results are laid out.
FAMILIES = (
    "views", "permuting", "copies", "elementwise", "fresh", "joining", "products", "network", "sequence",
    "indexing",
)  # fmt: skip


def lays_out(names: str, regardless: bool = False) -> Callable[[_R], _R]:
    """Declare the rule for these names; `regardless` if no argument's layout counts."""

    def declare(rule: _R) -> _R:
        for name in names.split():
            if name in REGISTRY:
                raise TypeError(f"the layout of {name} is declared twice")
            REGISTRY[name] = rule
            if regardless:
                REGARDLESS.add(name)
        return rule

    return declare


def _declared(name: str) -> Rule | None:
    if not REGISTRY:
        for family in FAMILIES:
            import_module(f"nnshape.shapes.layouts.{family}")
    found = REGISTRY.get(name)
    return _written_to if found is None and name.endswith("_") else found


def _written_to(applied: Applied) -> Layout:
    """What an operation in place gives: the tensor that it writes to."""
    return applied.layout(applied.operands[0])


def key_of(target: Layer | Function) -> str:
    """The name of the layout function of a layer or function: its own, or its twin's."""
    if isinstance(target, Function):
        return f"Tensor.{target.name}" if target.only_method and target.name in TWINS else target.name
    name = type(target).__name__
    if _declared(name) is None and target.functional is not None:
        return target.functional.name
    return name


def gives_contiguous(target: Layer | Function) -> bool:
    """Whether the results are contiguous for every input."""
    key = key_of(target)
    return key in CONTIGUOUS and not target.measured


def depends_on_arguments(target: Layer | Function) -> bool:
    """Whether the layout of the result depends on those of the arguments."""
    key = key_of(target)
    return _declared(key) is not None and key not in REGARDLESS


def result_layouts(
    target: Layer | Function, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any, mode: Mode
) -> Layouts:
    """The layout of each tensor of the result; None where it is unknown."""
    tensors = tuple(tensors_in(result))
    unknown: Layouts = (None,) * len(tensors)
    key = key_of(target)
    rule = _declared(key)
    if rule is None or target.measured:
        return unknown
    if isinstance(target, Function):
        bound = target.signature().bind(arguments, keywords)
    else:
        bound = vars(target) | target.call_signature().bind(arguments, keywords)
    try:
        # Alpha dropout gives a new tensor, even in place.
        in_place = bound.get("inplace") is True and "alpha" not in key
        found = (_written_to if in_place else rule)(Applied(key, bound, result, mode))
    except (UnknownLayout, Undecided, TooLarge):
        return unknown
    layouts = (found,) if isinstance(found, Layout) else tuple(found)
    # The strides of a tensor without elements say nothing, and each kernel of torch sets others.
    pairs = zip(tensors, layouts, strict=True)
    return tuple(None if is_empty(tensor.shape) else layout for tensor, layout in pairs)
