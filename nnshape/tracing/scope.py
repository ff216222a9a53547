"""The scopes that give a name its meaning: of a body, of the file, and of torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass
from nnshape.shapes.arguments import AUTO
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.function import Function
from nnshape.shapes.functions import all_functions, find_function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import all_layers, find_layer
from nnshape.shapes.memory_formats import MEMORY_FORMATS
from nnshape.shapes.tensor import UNKNOWN
from nnshape.spec import Block, Expression, Node, Span, Spec, Step
from nnshape.spec.words import WORDS
from nnshape.tracing import numbers
from nnshape.tracing.contexts import Scope
from nnshape.tracing.model import Call, Module, Run
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer

MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Namespace:
    """A module that a name of torch may be prefixed with: `torch`, `nn`, `F` or `math`."""

    name: str


@dataclass(frozen=True, slots=True)
class Special:
    """A callable word of the language, such as Sequential, ModuleList, Parameter or Buffer."""

    name: str


@dataclass(frozen=True, slots=True)
class NumberFunction:
    """A function of Python on numbers."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A block and its file. `block` is None for the whole model of an included file."""

    file: FileScope
    block: Block | None
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A class without a rule, `module.path:Class`: imported by the file, or a class of torch."""

    target: str
    span: Span | None = None
    is_torch: bool = False


@dataclass(slots=True, eq=False)
class FileScope:
    """The names of a file: hparams, sizes, blocks, includes and imports.

    For a model that another file includes, `variant` is the one that its call names, and `is_changed` is True if the
    call sets an hparam, so that the figures of its file are those of another model.
    """

    spec: Spec
    hparams: dict[str, Any]
    sizes: dict[str, Any] = field(default_factory=dict)
    includes: dict[str, FileScope] = field(default_factory=dict)
    variant: str | None = None
    is_changed: bool = False

    def find(self, name: str) -> Any:
        """Return the value of a name of the file, or MISSING."""
        if name in self.hparams:
            return self.hparams[name]
        if name in self.sizes:
            return self.sizes[name]
        if name in self.spec.blocks:
            return Definition(self, self.spec.blocks[name], name)
        if name in self.includes:
            return self.includes[name]
        if name in self.spec.includes:
            return UNKNOWN  # the include failed, and has been reported
        if name in self.spec.imports:
            imported = self.spec.imports[name]
            return Foreign(imported.target, imported.span)
        return MISSING

    def names(self) -> Iterator[str]:
        """Yield every name of the file, for suggestions."""
        for names in (self.hparams, self.sizes, self.spec.blocks, self.includes, self.spec.imports):
            yield from names


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """An hparam that constructs a module: each use of it makes a new one."""

    expression: Expression
    file: FileScope


@dataclass(slots=True, eq=False)
class Local:
    """The value of a step or input under its name, the module that made it, and the call of the step."""

    value: Any
    module: Module | None = None
    call: Call | None = None


@dataclass(slots=True, eq=False)
class Frame:
    """The state of a running body: its names, the running value `_`, and the current step.

    `names` holds hyperparameters, sizes bound by shape patterns, and loop variables. `outer` is the body around a
    Sequential, container or anonymous block, which sees its names: a frame of `captured` or `kept`.
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
    call: Call = None  # type: ignore[assignment]  # the current step; set before the first one runs
    expression: Expression = None  # type: ignore[assignment]  # the expression being evaluated, for spans
    #: The module that the current step has registered, and whether this body has run before.
    placed: Module | None = None
    again: bool = False
    #: The names that the current step has assigned with `:=`, and their meanings before.
    assigned: dict[str, Local | None] | None = None

    def scope(self) -> Scope:
        """Return a snapshot of the names in scope at the current step, for a fault."""
        outer = None if self.outer is None else self.outer.scope()
        return Scope(self.module, self.run, len(self.run.calls), self.names, outer)

    def evaluate(self, node: Node) -> Any:
        """Return the value of a node: a tensor, a number, a module, or a tuple of those. Raises Fault."""
        return self.tracer.evaluate(self, node)

    @contextmanager
    def naming(self, names: dict[str, Any]) -> Iterator[None]:
        """Add names, such as loop variables, within a `with` statement."""
        kept = self.names
        self.names = {**kept, **names}
        try:
            yield
        finally:
            self.names = kept

    def captured(self) -> Frame:
        """Return this frame with the names of now, for a body that runs later in the same step.

        A loop goes on with other values of its variables, and names mean what they mean where they are written.
        """
        return replace(self, names=self.names)

    def kept(self) -> Frame:
        """Return this frame with the names and steps of now, for a body that later steps run."""
        spend(len(self.locals))
        return replace(self, names=self.names, locals=dict(self.locals))

    @contextmanager
    def reading(self, expression: Expression) -> Iterator[None]:
        """Evaluate nodes of another expression within a `with` statement."""
        kept, self.expression = self.expression, expression
        try:
            yield
        finally:
            self.expression = kept

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Restore the current step at the end of a `with` statement that runs other steps of the same body."""
        kept = self.call, self.expression, self.placed
        try:
            yield
        finally:
            self.call, self.expression, self.placed = kept

    def own(self, name: str) -> Any:
        """Return the meaning of a name of this body or file, as a Local or a plain value; or MISSING."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]  # first, for a loop variable hides a step
            if name in frame.locals:
                return frame.locals[name]
            frame = frame.outer
        return self.file.find(name)

    def own_names(self) -> Iterator[str]:
        """Yield every name of this body and file, for suggestions."""
        frame: Frame | None = self
        while frame is not None:
            yield from frame.locals
            yield from frame.names
            frame = frame.outer
        yield from self.file.names()


@dataclass(frozen=True, slots=True, eq=False)
class BlockBody:
    """The body of a module that is a block, with the values of its hyperparameters."""

    definition: Definition
    names: dict[str, Any]
    file: FileScope


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """The block that a module is, if the block is written as one expression: calls of the module bind its inputs.

    `names` are the values of its hyperparameters. `waits` is True if the expression mentions the inputs, so that the
    module is not known before it is called. `inner` is the entry of the module that the expression makes, if that is
    such a block too.
    """

    definition: Definition
    names: dict[str, Any]
    waits: bool
    inner: Entry | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StepsBody:
    """The body of an anonymous block: steps that see the names around them."""

    steps: tuple[Step, ...]
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An item of a Sequential: a name, an expression, and the loop variables of its iteration.

    `is_named` is True if the name is in the spec, rather than the index of the item.
    """

    name: str
    node: Node
    variables: dict[str, Any]
    is_named: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ItemsBody:
    """The body of a Sequential: items that see the names around them."""

    items: tuple[Item, ...]
    expression: Expression
    frame: Frame


_SPECIALS = {name: Special(name) for name in WORDS}
_CONSTANTS: dict[str, Any] = {
    "auto": AUTO, "pi": math.pi, "inf": math.inf, "nan": math.nan, "torch": Namespace("torch"), "nn": Namespace("nn"),
    "F": Namespace("F"), "math": Namespace("math"),
}  # fmt: skip


#: Attributes of a tensor with a rule that are no functions of torch: as names, they are sizes that no input has.
ATTRIBUTES = ("T", "mT", "H", "mH")


def find_torch(name: str, called: bool = False) -> Any:
    """Return the meaning of a name of torch: a layer, a function, a dtype or a function on numbers; or MISSING.

    If `called`, names such as `float` are functions; otherwise they are dtypes.
    """
    found: Any
    if not called and name in DTYPES:
        return DTYPES[name]
    if name in MEMORY_FORMATS:
        return MEMORY_FORMATS[name]
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name in _SPECIALS:
        return _SPECIALS[name]
    if name[:1].isupper() and (found := find_layer(name)) is not None:
        return found
    if name in numbers.PYTHON:
        return NumberFunction(name)
    if name in ATTRIBUTES:
        return MISSING
    if (found := find_function(name)) is not None:
        return found
    if name in numbers.SHARED:
        return NumberFunction(name)
    return MISSING


def torch_names() -> Iterator[str]:
    """Yield the names of torch with a rule, for suggestions: not those of tensors' attributes, such as `T`."""
    yield from _SPECIALS
    yield from all_layers()
    yield from (name for name in all_functions() if name not in ATTRIBUTES)
    yield from DTYPES
    yield from MEMORY_FORMATS
    yield from numbers.PYTHON


def is_layer_class(value: object) -> bool:
    """Return whether the value is a subclass of `Layer`."""
    return isinstance(value, type) and issubclass(value, Layer)


def is_callable(value: object) -> bool:
    """Return whether an expression can call the value."""
    return isinstance(
        value, (Special, NumberFunction, Definition, Foreign, FileScope, Module, Function)
    ) or is_layer_class(value)
