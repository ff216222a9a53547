"""The parts of a trace: modules, calls and operations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.problems import Problem
from nnshape.records import dataclass
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Size, TooLarge
from nnshape.shapes.dtypes import FLOAT32, DType
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Maker, Tensor, tensors_in

if TYPE_CHECKING:
    from nnshape.shapes.layouts.layout import Layouts, Mode
    from nnshape.shapes.parametrizations import Parametrization
    from nnshape.spec import Expression, Node, Span, Spec
    from nnshape.tracing.contexts import FaultContext
    from nnshape.tracing.parameter_rows import ParameterRow, Totals


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A module of the model, made once and called any number of times.

    `path` is its name in the state dict, set when a step registers it. `type` is the class name in
    `print(model)`. Exactly one of these is set: `layer` for a class of `torch.nn`, `body` for a block,
    an anonymous block or a Sequential, `tensor` for a Parameter or Buffer, `holds_modules` for a
    container such as ModuleList. `materialized` is True once its parameters are known.
    """

    type: str
    place: tuple[Expression, Node] | tuple[None, Span]
    layer: Layer | None = None
    body: Any = None
    tensor: Tensor | None = None
    persistent: bool = False
    #: A Parameter with requires_grad=False.
    frozen: bool = False
    #: A `freeze` may name its parameters: that is known at the end of the trace.
    may_be_frozen: bool = False
    path: str | None = None
    #: Its further names in the state dict: see `nnshape.tracing.shared_modules`.
    other_paths: tuple[str, ...] = ()
    children: dict[str, Module] = field(default_factory=dict)
    parameters: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    materialized: bool = False
    #: A container such as ModuleList, whose items are its children.
    holds_modules: bool = False
    #: Made by `Module(…)`, for later steps to apply.
    declared: bool = False
    #: The block written as one expression that the module is, a `nnshape.tracing.scope.Entry`.
    entry: Any = None
    #: No step calls it, so it has parameters and no forward pass.
    is_idle: bool = False
    #: Calls such as `weight_norm`, which replace parameters of the layer.
    parametrizations: tuple[Parametrization, ...] = ()
    #: The first run of the body, from which the graph of the real module is built.
    run: Run | None = None

    def __repr__(self) -> str:
        return f"a {self.type}"

    @property
    def stands(self) -> bool:
        """Whether its own step does not apply it: a container, or a module that `Module(…)` declares."""
        return self.holds_modules or self.declared

    @property
    def span(self) -> Span:
        """The span of the expression that makes the module."""
        expression, node = self.place
        return node if expression is None else expression.span(node)  # type: ignore[return-value,arg-type]  # a pair

    def walk(self) -> Iterator[Module]:
        """Iterate over this module and its descendants, each once, in the order of the state dict."""
        seen: set[Module] = set()
        stack = [self]
        while stack:
            module = stack.pop()
            if module.other_paths:
                if module in seen:
                    continue
                seen.add(module)
            yield module
            if module.children:
                stack.extend(child for _, child in reversed(module._in_order()))

    def every_name(self) -> Iterator[tuple[str, Module]]:
        """Iterate over this module and its descendants with their paths: a module of several names comes once each."""
        stack = [(self.path or "", self)]
        while stack:
            path, module = stack.pop()
            yield path, module
            if module.children:
                prefix = f"{path}." if path else ""
                stack.extend((prefix + name, child) for name, child in reversed(module._in_order()))

    def _in_order(self) -> list[tuple[str, Module]]:
        children = list(self.children.items())
        if any(child.tensor is not None for _, child in children):
            # torch lists the parameters of a module itself first, then its buffers.
            children.sort(key=lambda item: ("Parameter", "Buffer").index(item[1].type) if item[1].tensor else 2)
        return children


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A parameter or buffer of a module that an expression reads, such as `embed.weight`."""

    module: Module
    name: str


#: Parts of the names of the functions whose result never has a gradient.
_WITHOUT_GRADIENT = ("detach", "_like", "new_")


@dataclass(slots=True, eq=False)
class Operation(Maker):
    """One application of a module or function inside a step, or one read of a parameter or buffer.

    Arguments and result are abstract values: tensors, numbers and `RuntimeSize`s. The tensors of the
    result have the operation as their producer. `call` is the step. `method` is True for a function
    called as a Tensor method. `run` is set for a module with a body. `is_opened` is True if a step outside that body
    uses a value of a step inside it.
    """

    call: Call
    target: Module | Function | StoredTensor
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    method: bool = False
    run: Run | None = None
    is_opened: bool = False
    #: The layouts of the result's tensors by mode, computed on request.
    layouts: dict[Mode, Layouts] | None = None

    def stands_for(self, tensor: Tensor) -> Tensor | None:
        """Return the tensor inside the body that became this output, or the tensor itself without a body."""
        if self.run is None:
            return tensor
        return next(itertools.islice(tensors_in(self.run.output), tensor.index, None), None)

    def known_layouts(self, tensor: Tensor, mode: Mode) -> Layouts | None:
        """Return the layouts of the result's tensors, if they have been computed."""
        return None if self.layouts is None else self.layouts.get(mode)

    def gives_contiguous(self) -> bool:
        """Return True if the results of its rule are contiguous for every input."""
        from nnshape.tracing.operation_layouts import gives_contiguous

        return gives_contiguous(self)

    def layout_sources(self) -> Iterable[Tensor]:
        """Return the arguments, unless the layout of the result does not depend on them."""
        from nnshape.tracing.operation_layouts import depends_on_arguments

        return tensors_in((self.arguments, dict(self.keywords))) if depends_on_arguments(self) else ()

    @property
    def owner(self) -> object:
        """The owner of new memory in the result. A parameter owns its memory, however often it is read."""
        return (self.target.module, self.target.name) if isinstance(self.target, StoredTensor) else self

    def learns(self) -> bool | None:
        """Return True if it reads parameters that are trained, and None if a glob may freeze them."""
        target = self.target
        if isinstance(target, Function):
            return None if target.name == "requires_grad_" else False
        if isinstance(target, StoredTensor):
            module = target.module
            found = target.name in module.parameters and not module.frozen
        else:
            module = target
            found = any(part.parameters and not part.frozen for part in module.walk())
        return (None if module.may_be_frozen else True) if found else False

    def gradient_sources(self) -> Iterable[Tensor]:
        """Return the tensors whose gradients its results have."""
        if isinstance(self.target, StoredTensor):
            return ()
        if isinstance(self.target, Function) and any(part in self.target.name for part in _WITHOUT_GRADIENT):
            return ()
        return tensors_in((self.arguments, dict(self.keywords)))

    def lay_out(self, mode: Mode) -> None:
        """Compute the layouts of the result's tensors."""
        from nnshape.tracing.operation_layouts import layouts_of

        self.layouts = {**(self.layouts or {}), mode: layouts_of(self, mode)}


@dataclass(frozen=True, slots=True, eq=False)
class BodyInput(Maker):
    """An input of the model or of a block, as the producer of its tensors.

    `span` is the input in the text. `call` is the step that applies the block, and `given` the argument that it
    passes; both are None for an input of the model. `is_single` is True if the body has no other input.
    """

    name: str
    span: Span
    call: Call | None = None
    given: Any = None
    is_single: bool = True

    def outside(self, tensor: Tensor) -> Tensor | None:
        """Return the tensor outside the block that was passed as `tensor`, or None for an input of the model."""
        if self.call is None:
            return None
        return next(itertools.islice(tensors_in(self.given), tensor.index, None), None)

    def stands_for(self, tensor: Tensor) -> Tensor | None:
        """Return the tensor outside the block, or the tensor itself for an input of the model."""
        return tensor if self.call is None else self.outside(tensor)

    def known_layouts(self, tensor: Tensor, mode: Mode) -> Layouts:
        """Return a contiguous layout, as of every input of the model."""
        from nnshape.shapes.layouts.layout import contiguous_layout

        return (contiguous_layout(tensor, owner=self),)


@dataclass(frozen=True, slots=True, eq=False)
class Declared(Maker):
    """The producer of the output that a failing layer declares, from which the trace goes on."""

    call: Call


Producer = Operation | BodyInput | Declared


def produced(value: Any, producer: Producer) -> Any:
    """Return the value with its tensors as outputs of a producer, numbered in the order of `tensors_in`."""
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
    """One execution of a body: its inputs by name, the calls of its steps, and its output."""

    inputs: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    output: Any = None


@dataclass(slots=True, eq=False)
class Call:
    """One execution of a step: a row of the table.

    `inputs` are the tensors that the step uses, and `output` is its value: a tensor, a tuple of them, or
    unknown after a fault. `parameters` is the number of elements that the step adds to the model, so it is
    0 for a module that is called again. `macs` is for the whole batch. `depth` counts from 0.
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
    #: The module was made by an earlier step.
    reused: bool = False
    #: The output was inferred by running torch, not computed by a rule.
    measured: bool = False
    #: The count of parameters, or of MACs, is partial: after a fault, or without a rule.
    partial_parameters: bool = False
    partial_macs: bool = False
    #: For the last row, once the steps have run: the model's `output`, whose operations belong to this row.
    told_as: Call | None = None

    @property
    def in_messages(self) -> Call:
        """The call that messages and fixes are about."""
        return self.told_as or self

    def mark_partial(self) -> None:
        """Mark the counts of parameters and MACs as partial."""
        self.partial_parameters = self.partial_macs = True

    def add_counts(self, child: Call) -> None:
        """Add the counts of a child call, which may be partial."""
        try:
            self.parameters += child.parameters
            self.macs += child.macs
        except TooLarge:  # a sum of too many different symbolic sizes
            self.mark_partial()
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
        """Record an operation of the step, and return its result with the operation as the producer."""
        operation = Operation(self, target, arguments, keywords, None, method, run)
        operation.result = produced(result, operation)
        self.operations.append(operation)
        return operation.result

    @property
    def children(self) -> list[Call]:
        """The calls of the steps of every body that this step runs."""
        return [call for operation in self.operations if operation.run for call in operation.run.calls]

    def walk(self) -> Iterator[Call]:
        """Iterate over this call and its descendants, in the order of execution."""
        stack = [self]
        while stack:
            call = stack.pop()
            yield call
            for operation in reversed(call.operations):
                if operation.run:
                    stack.extend(reversed(operation.run.calls))


@dataclass(frozen=True, slots=True)
class Requirement:
    """A constraint on the symbolic sizes of the model, and the step that needs it."""

    constraint: Constraint
    path: str
    span: Span

    def __str__(self) -> str:
        return str(self.constraint)


@dataclass(frozen=True, eq=False)
class Trace:
    """The result of tracing a spec: calls with their shapes, parameters, problems and totals.

    `root` is the call of the whole model. `inputs` are its tensors by name, and `output` is a tensor, or a
    tuple or dict of them. `sizes` maps each symbol that has a value to that value.
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
    #: The other arguments of `trace_spec`, so that an edited spec can be traced in the same way.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The contexts of refusals, by the `nnshape.tracing.contexts.key_of` of their problems.
    contexts: Mapping[tuple[str, str, int, int], FaultContext] = field(default_factory=dict)
    #: The work that tracing took, in the units of `nnshape.work`.
    work: int = 0
    #: The trace with N free, which the problems are of, if N was set to a number.
    free: Trace | None = None
    #: The dtype of everything that has none of its own.
    dtype: DType = FLOAT32
    #: Render `str(trace)` and the output of a notebook cell. `nnshape.api` sets both, since this package cannot
    #: import `nnshape.rendering`.
    text: ClassVar[Callable[[Trace], str]] = repr
    html: ClassVar[Callable[[Trace], str]] = repr

    def __str__(self) -> str:
        return type(self).text(self)

    def _repr_html_(self) -> str:
        return type(self).html(self)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call except the root, in the order of execution."""
        return tuple(itertools.islice(self.root.walk(), 1, None))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints on the symbolic sizes, each once."""
        return tuple(dict.fromkeys(requirement.constraint for requirement in self.requirements))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are errors; warnings are not among them."""
        return tuple(problem for problem in self.problems if problem.severity == "error")
