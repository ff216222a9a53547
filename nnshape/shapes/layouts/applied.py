"""`Applied`: one application of a rule, to be laid out; and the declarations of how each rule lays out its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.function import TWINS, Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import Layout, Layouts, Mode, Undecided
from nnshape.shapes.tensor import Tensor, tensors_in


class UnknownLayout(Exception):
    """The layout of an argument is unknown, and that of the result depends on it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A layer or function with its arguments by name (a layer's own among them), and its result."""

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


Rule = Callable[[Applied], "Layout | Sequence[Layout | None] | None"]

#: How each layer or function lays out its result, by torch's name; the families fill it as they are imported.
REGISTRY: dict[str, Rule] = {}
#: Those whose result is laid out alike whatever arrives.
REGARDLESS: set[str] = set()
#: The files of this folder that declare how results are laid out.
FAMILIES = ("views", "elementwise", "fresh")


def lays_out(names: str, regardless: bool = False) -> Callable[[Rule], Rule]:
    """Declare the rule for these names; `regardless` if no argument's layout counts."""

    def declare(rule: Rule) -> Rule:
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
    return REGISTRY.get(name)


def key_of(target: Layer | Function) -> str:
    """The name under which the layout of a layer's or function's result is declared: its own, or its twin's."""
    if isinstance(target, Function):
        return f"Tensor.{target.name}" if target.only_method and target.name in TWINS else target.name
    name = type(target).__name__
    if _declared(name) is None and target.functional is not None:
        return target.functional.name
    return name


def depends_on_arguments(target: Layer | Function) -> bool:
    """Whether the layouts of the arguments count for that of the result."""
    key = key_of(target)
    return _declared(key) is not None and key not in REGARDLESS


def result_layouts(
    target: Layer | Function, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any, mode: Mode
) -> Layouts:
    """The layout of each tensor of the result, where it is known."""
    count = sum(1 for _ in tensors_in(result))
    unknown: Layouts = (None,) * count
    key = key_of(target)
    rule = _declared(key)
    if rule is None or target.measured:
        return unknown
    if isinstance(target, Function):
        bound = target.signature().bind(arguments, keywords)
    else:
        bound = vars(target) | target.call_signature().bind(arguments, keywords)
    try:
        found = rule(Applied(key, bound, result, mode))
    except (UnknownLayout, Undecided, TooLarge):
        return unknown
    if found is None:
        return unknown
    return (found,) if isinstance(found, Layout) else tuple(found)
