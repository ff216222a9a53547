"""The parts of a trace: modules, calls, and the operations of a call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.problems import Problem
from nnshape.records import dataclass
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Size, TooLarge
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Tensor, tensors_in

if TYPE_CHECKING:
    from nnshape.spec import Expression, Node, Span, Spec
    from nnshape.tracing.contexts import FaultContext
    from nnshape.tracing.parameter_rows import ParameterRow, Totals


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A module of the model, made once and called any number of times.

    `path` is its name in the state dict, set when a step takes it. `type` is the class name that
    `print(model)` shows. Exactly one of these says what it is: `layer` for a class of `torch.nn`,
    `body` for a block, an anonymous block or a Sequential, `tensor` for a Parameter or Buffer,
    `holds_modules` for a ModuleList and its like.
    `materialized` says that its parameters are known.
    """

    type: str
    place: tuple[Expression, Node] | tuple[None, Span]
    layer: Layer | None = None
    body: Any = None
    tensor: Tensor | None = None
    persistent: bool = False
    #: A Parameter that asks for no gradient.
    frozen: bool = False
    path: str | None = None
    children: dict[str, Module] = field(default_factory=dict)
    parameters: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    materialized: bool = False
    #: A ModuleList or its like: its children are what it holds.
    holds_modules: bool = False
    #: The first application of a body: what the real module's graph is built from.
    run: Run | None = None

    def __repr__(self) -> str:
        return f"a {self.type}"

    @property
    def span(self) -> Span:
        """Where the module is made."""
        expression, node = self.place
        return node if expression is None else expression.span(node)  # type: ignore[return-value,arg-type]  # a pair

    def walk(self) -> Iterator[Module]:
        """This module and all modules below it, in the order of the state dict."""
        stack = [self]
        while stack:
            module = stack.pop()
            yield module
            stack.extend(reversed(module.children.values()))


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A parameter or buffer of a module, read as a value: `embed.weight`."""

    module: Module
    name: str


@dataclass(slots=True, eq=False)
class Operation:
    """One application inside a step: of a module, of a function, or the reading of an attribute.

    Arguments and result are abstract values (tensors, numbers, and `RuntimeSize` sizes); the tensors of
    the result have the operation as their producer. `call` is the step. `method` says that a function
    was called as a Tensor method. `run` is there where the module has a body.
    """

    call: Call
    target: Module | Function | StoredTensor
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    method: bool = False
    run: Run | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BodyInput:
    """The producer of the tensors that a body gets under a name: the model, or a block.

    `span` is where the input is written. `call` is the step that applies the block and `given` the
    value outside; both are None for an input of the model. `is_single` says that the body has no other input.
    """

    name: str
    span: Span
    call: Call | None = None
    given: Any = None
    is_single: bool = True

    def outside(self, tensor: Tensor) -> Tensor | None:
        """The tensor outside the block that one of this input's tensors stands for; None for an input of the model."""
        if self.call is None:
            return None
        return next(itertools.islice(tensors_in(self.given), tensor.index, None), None)


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """The producer of a tensor that a failing layer declares: the trace goes on from it."""

    call: Call


Producer = Operation | BodyInput | Declared


def produced(value: Any, producer: Producer) -> Any:
    """The value with its tensors as those of a producer, numbered in the order of `tensors_in`."""
    if type(value) is Tensor:
        return Tensor(value.shape, value.dtype, value.span, producer)
    numbers = itertools.count()

    def numbered(leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            return Tensor(leaf.shape, leaf.dtype, leaf.span, producer, next(numbers))
        return leaf

    return map_nested(numbered, value)


@dataclass(slots=True, eq=False)
class Run:
    """One execution of a body: what came in by which name, the calls of its steps, and what came out."""

    inputs: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    output: Any = None


@dataclass(slots=True, eq=False)
class Call:
    """One step as it was executed: a row of the table.

    `inputs` are the tensors that the step used, `output` its value (a tensor, a tuple of them, or
    unknown after a fault). `parameters` counts what the step brought into the model, so a module
    that is called again counts 0; `macs` is for the whole batch. `depth` counts from 0.
    """

    path: str
    name: str
    type: str
    text: str
    span: Span
    depth: int
    module: Module | None = None
    inputs: tuple[Tensor, ...] = ()
    output: Any = None
    operations: list[Operation] = field(default_factory=list)
    parameters: Size = 0
    macs: Size = 0
    #: The step's module was made by an earlier step.
    reused: bool = False
    #: The output was measured with torch, not computed by a rule.
    measured: bool = False
    #: The count of parameters, or of MACs, is of a part: after a fault, or where there is no rule.
    partial_parameters: bool = False
    partial_macs: bool = False

    def lose_count(self) -> None:
        """Note that neither the parameters nor the MACs of the step are all known."""
        self.partial_parameters = self.partial_macs = True

    def take_counts(self, child: Call) -> None:
        """Add the counts of a step inside, and whether they are known."""
        try:
            self.parameters += child.parameters
            self.macs += child.macs
        except TooLarge:  # a sum of too many different symbolic sizes
            self.lose_count()
        self.partial_parameters |= child.partial_parameters
        self.partial_macs |= child.partial_macs
        self.measured |= child.measured

    def record(
        self,
        target: Module | Function | StoredTensor,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        result: Any,
        *,
        method: bool = False,
        run: Run | None = None,
    ) -> Any:
        """Record an operation of the step, and return its result as the operation's own."""
        operation = Operation(self, target, arguments, keywords, None, method, run)
        operation.result = produced(result, operation)
        self.operations.append(operation)
        return operation.result

    @property
    def children(self) -> list[Call]:
        """The calls of the steps inside, where the step applies blocks."""
        return [call for operation in self.operations if operation.run for call in operation.run.calls]

    def walk(self) -> Iterator[Call]:
        """This call and all calls below it, in the order of execution."""
        stack = [self]
        while stack:
            call = stack.pop()
            yield call
            stack.extend(reversed(call.children))


@dataclass(frozen=True, slots=True)
class Requirement:
    """A constraint that the model puts on its sizes, and the step that needs it."""

    constraint: Constraint
    path: str
    span: Span

    def __str__(self) -> str:
        return str(self.constraint)


@dataclass(frozen=True, eq=False)
class Trace:
    """The result of tracing a spec: every call with its shapes, the parameters, and every problem.

    `root` is the call of the whole model; `inputs` are its tensors by name; `output` is a tensor, or a
    tuple or dict of them. `sizes` holds the symbols that have a value.
    """

    spec: Spec
    root: Call
    inputs: dict[str, Tensor]
    output: Any
    sizes: dict[str, Size]
    requirements: tuple[Requirement, ...]
    problems: tuple[Problem, ...]
    parameters: tuple[ParameterRow, ...]
    totals: Totals
    variant: str | None = None
    #: The arguments of the trace beside the spec, so that an edited spec can be traced alike.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The contexts of the refusals among the problems, by `nnshape.tracing.contexts.key_of`.
    contexts: Mapping[tuple[str, str, int, int], FaultContext] = field(default_factory=dict)
    #: The work that it took, in the units of `nnshape.work`.
    work: int = 0
    #: Write `str(trace)`, and the output of a notebook's cell. Rendering does, which this package cannot
    #: import: `nnshape.api` puts it here.
    text: ClassVar[Callable[[Trace], str]] = repr
    html: ClassVar[Callable[[Trace], str]] = repr

    def __str__(self) -> str:
        return type(self).text(self)

    def _repr_html_(self) -> str:
        return type(self).html(self)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call in the order of execution, without the root."""
        return tuple(itertools.islice(self.root.walk(), 1, None))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What the symbolic sizes must fulfil, each once."""
        return tuple(dict.fromkeys(requirement.constraint for requirement in self.requirements))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make the model wrong; warnings left out."""
        return tuple(problem for problem in self.problems if problem.severity == "error")
