"""What a name means: the scopes of a file, of a body and of torch, in the order of the language."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass
from nnshape.shapes.arguments import AUTO
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.function import Function
from nnshape.shapes.functions import all_functions, find_function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import all_layers, find_layer
from nnshape.shapes.tensor import UNKNOWN
from nnshape.spec import Block, Expression, Node, Span, Spec, Step
from nnshape.spec.words import WORDS
from nnshape.tracing import numbers
from nnshape.tracing.contexts import Scope
from nnshape.tracing.model import Call, Module, Run

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer

MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Namespace:
    """A prefix that people write before torch's names: `torch`, `nn`, `F`, `math`."""

    name: str


@dataclass(frozen=True, slots=True)
class Special:
    """A word of the language that is called: Sequential, ModuleList, Parameter, Buffer."""

    name: str


@dataclass(frozen=True, slots=True)
class NumberFunction:
    """A function on numbers, by Python's name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A block and the file it stands in; or, with no block, the whole model of an included file."""

    file: FileScope
    block: Block | None
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A class without a rule, `module.path:Class`: one that the file imports, or one of torch's own."""

    target: str
    span: Span | None = None
    is_torch: bool = False


@dataclass(slots=True, eq=False)
class FileScope:
    """One file's own names: hparams, sizes, blocks, includes and imports."""

    spec: Spec
    hparams: dict[str, Any]
    sizes: dict[str, Any] = field(default_factory=dict)
    includes: dict[str, FileScope] = field(default_factory=dict)

    def find(self, name: str) -> Any:
        """The value of one of the file's names, or MISSING."""
        if name in self.hparams:
            return self.hparams[name]
        if name in self.sizes:
            return self.sizes[name]
        if name in self.spec.blocks:
            return Definition(self, self.spec.blocks[name], name)
        if name in self.includes:
            return self.includes[name]
        if name in self.spec.includes:
            return UNKNOWN  # the file could not be included, which is told once
        if name in self.spec.imports:
            imported = self.spec.imports[name]
            return Foreign(imported.target, imported.span)
        return MISSING

    def names(self) -> Iterator[str]:
        """Every name of the file, for suggestions."""
        for names in (self.hparams, self.sizes, self.spec.blocks, self.includes, self.spec.imports):
            yield from names


@dataclass(slots=True, eq=False)
class Local:
    """What a step or an input left under its name: its value, and the module that made it."""

    value: Any
    module: Module | None = None


@dataclass(slots=True, eq=False)
class Frame:
    """A body while it runs: its names, the running value `_`, and the step it is at.

    `names` holds hyperparameters, the sizes that shape patterns bound, and loop variables. `outer`
    is the body in whose expression a Sequential stands: its names are seen from inside.
    """

    tracer: Tracer
    file: FileScope
    module: Module
    run: Run
    prefix: str
    depth: int
    names: dict[str, Any] = field(default_factory=dict)
    locals: dict[str, Local] = field(default_factory=dict)
    outer: Frame | None = None
    running: Any = None
    call: Call = None  # type: ignore[assignment]  # the step being executed; set before any is
    expression: Expression = None  # type: ignore[assignment]  # its expression, for spans
    #: The module that the step being executed has taken, and whether this body has run before.
    placed: Module | None = None
    again: bool = False

    def scope(self) -> Scope:
        """The names that the step being executed can use, as a fault keeps them."""
        outer = None if self.outer is None else self.outer.scope()
        return Scope(self.module, self.run, len(self.run.calls), self.names, outer)

    def evaluate(self, node: Node) -> Any:
        """The value of a node of the step's expression: a tensor, a number, a module, a tuple of them; raises Fault."""
        return self.tracer.evaluate(self, node)

    @contextmanager
    def naming(self, names: dict[str, Any]) -> Iterator[None]:
        """Add names, such as the variables of a loop, for as long as the context lasts."""
        kept = self.names
        self.names = {**kept, **names}
        try:
            yield
        finally:
            self.names = kept

    @contextmanager
    def reading(self, expression: Expression) -> Iterator[None]:
        """Evaluate nodes of another expression for as long as the context lasts."""
        kept, self.expression = self.expression, expression
        try:
            yield
        finally:
            self.expression = kept

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Come back to the step being executed after other steps of the same body have run."""
        kept = self.call, self.expression, self.placed
        try:
            yield
        finally:
            self.call, self.expression, self.placed = kept

    def own(self, name: str) -> Any:
        """What one of the file's own names means here, as a Local or a plain value; or MISSING."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.locals:
                return frame.locals[name]
            if name in frame.names:
                return frame.names[name]
            frame = frame.outer
        return self.file.find(name)

    def own_names(self) -> Iterator[str]:
        """Every name that the file itself gives a meaning here, for suggestions."""
        frame: Frame | None = self
        while frame is not None:
            yield from frame.locals
            yield from frame.names
            frame = frame.outer
        yield from self.file.names()


@dataclass(frozen=True, slots=True, eq=False)
class BlockBody:
    """A block with the values of its hyperparameters: what a module of it runs."""

    definition: Definition
    names: dict[str, Any]
    file: FileScope


@dataclass(frozen=True, slots=True, eq=False)
class StepsBody:
    """An anonymous block: steps in the scope of the body that they stand in."""

    steps: tuple[Step, ...]
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One item of a Sequential: an expression under a name, with the loop variables of its turn.

    `is_named` says that the name was written, and is not the item's number.
    """

    name: str
    node: Node
    variables: dict[str, Any]
    is_named: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ItemsBody:
    """The items of a Sequential, in the scope of the expression that they stand in."""

    items: tuple[Item, ...]
    expression: Expression
    frame: Frame


_SPECIALS = {name: Special(name) for name in WORDS}
_CONSTANTS: dict[str, Any] = {
    "auto": AUTO, "pi": math.pi, "inf": math.inf, "nan": math.nan, "torch": Namespace("torch"), "nn": Namespace("nn"),
    "F": Namespace("F"), "math": Namespace("math"),
}  # fmt: skip


def find_torch(name: str, called: bool = False) -> Any:
    """What a name of torch means: a layer, a function, a dtype or a function on numbers; or MISSING.

    `float` and its like are functions where they are `called`, and dtypes elsewhere.
    """
    found: Any
    if not called and name in DTYPES:
        return DTYPES[name]
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name in _SPECIALS:
        return _SPECIALS[name]
    if name[:1].isupper() and (found := find_layer(name)) is not None:
        return found
    if name in numbers.PYTHON:
        return NumberFunction(name)
    if (found := find_function(name)) is not None:
        return found
    if name in numbers.SHARED:
        return NumberFunction(name)
    return MISSING


def torch_names() -> Iterator[str]:
    """Every name of torch that has a meaning, for suggestions."""
    yield from _SPECIALS
    yield from all_layers()
    yield from all_functions()
    yield from DTYPES
    yield from numbers.PYTHON


def is_layer_class(value: object) -> bool:
    """Say whether the value is a class of layers."""
    return isinstance(value, type) and issubclass(value, Layer)


def is_callable(value: object) -> bool:
    """Say whether the value can be called in an expression."""
    return isinstance(
        value, (Special, NumberFunction, Definition, Foreign, FileScope, Module, Function)
    ) or is_layer_class(value)
