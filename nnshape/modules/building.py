"""Builds the torch modules of a trace: classes of torch.nn as leaves, graph modules as blocks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.fx import Graph
from torch.overrides import TorchFunctionMode

from nnshape.modules.asking import Beyond
from nnshape.modules.block import BlockModule, SequentialBlock
from nnshape.modules.blueprint import Blueprint
from nnshape.modules.budget import MADE, Allowance
from nnshape.modules.budget import made as weight
from nnshape.modules.default_dtype import in_dtype
from nnshape.modules.devices import available_device
from nnshape.modules.graphs import Writer
from nnshape.modules.idle import idle_module
from nnshape.modules.initial import InitialValues
from nnshape.modules.leaves import Values, construct
from nnshape.problems import Problem, SpecError
from nnshape.spec.naming_rules import item_name_fault
from nnshape.tracing import Call, Trace
from nnshape.tracing.model import Module, Run
from nnshape.tracing.value_display import holds_unknown


def build(trace: Trace, device: str = "cpu", *, seed: int | None = None) -> torch.nn.Module:
    """Build the model of a trace on a device, with random values drawn from `seed` if given.

    Raises SpecError if the trace has errors, a size of a module has no value, or the device is not available.
    """
    place = available_device(device)
    with seeded(seed, place):
        return with_code(Builder(trace, place).model())


def with_code(model: torch.nn.Module) -> torch.nn.Module:
    """Generate the code of every block of a model, so that its forward method can run, and return the model."""
    for module in model.modules():
        if isinstance(module, BlockModule):
            module._write_code()
    return model


class Refused(torch.nn.Module):
    """A placeholder for a module that torch refused to construct; calling it raises the error of the constructor."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Raise the error of the constructor."""
        raise self.error


class Builder:
    """Makes the modules of one trace; `values` holds the values of symbols in module sizes."""

    def __init__(self, trace: Trace, device: torch.device, values: Values | None = None, lenient: bool = False) -> None:
        if trace.errors:
            raise SpecError(*trace.errors)
        self.trace = trace
        self.device = device
        self.values = values or {}
        #: Whether to put a `Refused` in place of a module that torch refuses, so that its call reports the error.
        self.lenient = lenient
        #: The budget of a proof. `build` has no budget.
        self._budget = Allowance(MADE) if lenient else None
        self.real: dict[Module, torch.nn.Module] = {}
        self._blueprints: dict[Module, Blueprint] = {}

    def model(self) -> torch.nn.Module:
        """Return the model, with parameters tied and frozen. Raises SpecError if it cannot be built."""
        unknown = unknown_call(self.trace)
        if unknown is not None:
            message = f"the output of {unknown.path} is unknown, so the model cannot be built"
            raise SpecError(Problem("unknown-value", message, unknown.span))
        root = self.trace.root.module
        assert root is not None
        assert root.run is not None
        try:
            with in_dtype(self.trace.dtype), on_device(self.device):
                model = self._body(root, root.run)
        except RecursionError:
            message = "the model cannot be built: a size is computed from another in too many steps"
            raise SpecError(Problem("too-large", message, self.trace.root.span)) from None
        for row in self.trace.parameters:
            # In a proof, either may belong to a module that was not made. Modules of several names are shared whole.
            if (
                row.tied_to is not None
                and not row.buffer
                and not (self.lenient and None in (_parameter(model, row.name), _parameter(model, row.tied_to)))
            ):
                _share(model, row.name, row.tied_to)
        for row in self.trace.parameters:
            if not row.trainable and not row.buffer and _parameter(model, row.name) is not None:
                model.get_parameter(row.name).requires_grad_(False)
        return model

    def blueprint(self, module: Module) -> Blueprint:
        """Return the graph of a module with a body, written once."""
        found = self._blueprints.get(module)
        if found is None:
            assert module.run is not None
            found = Writer(module, module.run, self.blueprint, self.device).write()
            self._blueprints[module] = found
        return found

    def _body(self, module: Module, run: Run) -> torch.nn.Module:
        made: torch.nn.Module
        children = self._children(module, run)
        if module.is_idle:
            made = self.real[module] = idle_module(module, _class_name(module.type), children)
            return made
        blueprint = self.blueprint(module)
        if blueprint.plain:
            made = torch.nn.Sequential(OrderedDict(children))
        else:
            kind = SequentialBlock if module.type == "Sequential" else BlockModule
            made = kind(blueprint.graph, _class_name(module.type), children)
        self.real[module] = made
        return made

    def _children(self, module: Module, run: Run) -> dict[str, Any]:
        """Return a module's children by name: modules, parameters, and buffers as (tensor, persistent)."""
        _check_names(module)
        children: dict[str, Any] = {}
        initial = None
        for name, child in module.children.items():
            if child.tensor is None:
                children[name] = self._module(child)
            else:
                initial = initial or InitialValues(run, self.values, self.device)
                tensor = initial.of(child)
                if child.type == "Parameter":
                    children[name] = torch.nn.Parameter(tensor, requires_grad=not child.frozen)
                else:
                    children[name] = (tensor, child.persistent)
        return children

    def _container(self, module: Module) -> torch.nn.Module:
        """Return the torch container, such as ModuleList, with its children."""
        assert module.run is not None
        kind: type[torch.nn.Module] = getattr(torch.nn, module.type)
        children = self._children(module, module.run)
        made = kind(children) if module.type.endswith("Dict") else kind(children.values())
        self.real[module] = made
        return made

    def _module(self, module: Module) -> torch.nn.Module:
        if module.other_paths and module in self.real:
            return self.real[module]
        if module.holds_modules:
            return self._container(module)
        if module.body is not None and module.run is not None:
            return self._body(module, module.run)
        assert module.layer is not None
        if self._budget is not None and not self._budget.take(weight(module)):
            made: torch.nn.Module = Refused(Beyond(f"a proof makes at most {MADE:,} modules and parameters"))
            self.real[module] = made
            return made
        try:
            made = construct(module.layer, self.values, module.span)
            if module.parametrizations:
                from nnshape.modules.parametrized import parametrized  # few models need it

                made = parametrized(made, module.parametrizations)
        except SpecError:
            raise
        except Exception as error:  # torch or an imported class may raise anything
            if not self.lenient:
                raise SpecError(refusal_of_torch(f"{module.path} cannot be constructed", error, module.span)) from error
            made = Refused(error)
        self.real[module] = made
        return made


def refusal_of_torch(message: str, error: BaseException, span: Any) -> Problem:
    """Return the problem for a call that torch refuses although the trace accepts it."""
    said = str(error).strip() or type(error).__name__
    return Problem("torch-disagrees", message, span, notes=(f"torch says: {said}",))


def unknown_call(trace: Trace) -> Call | None:
    """Return the first call with an unknown output, in part or whole, or None. It cannot become a graph."""
    return next((call for call in trace.calls if holds_unknown(call.output)), None)


def _class_name(name: str) -> str:
    """Return a name that is valid for a Python class: a model may have any name."""
    return "".join(character if character.isprintable() else "_" for character in name)


def _check_names(module: Module) -> None:
    """Raise SpecError for a child whose name torch cannot register.

    The reader refuses the names that are taken in the torch releases it knows; other releases may take more.
    """
    for name, child in module.children.items():
        wrong = item_name_fault(name, module.type)
        if wrong is None and name in taken_names():
            wrong = f"a module cannot be called {name} in torch: GraphModule has an attribute of that name"
        if wrong is not None:
            help = (f"call it {name.lstrip('_')}1",) if name.isidentifier() else ()
            raise SpecError(Problem("invalid-name", wrong, child.span, help=help))


@cache
def taken_names() -> frozenset[str]:
    """Return the names of the attributes of a block, those of its generated code included."""
    empty = SequentialBlock(Graph(), "Sequential", {})
    empty.graph.output(())
    empty._write_code()
    return frozenset({*dir(empty), *vars(empty)})


# ---- parameters ----


def _owner(model: torch.nn.Module, name: str) -> tuple[torch.nn.Module, str]:
    path, _, leaf = name.rpartition(".")
    return model.get_submodule(path), leaf


def _parameter(model: torch.nn.Module, name: str) -> torch.nn.Parameter | None:
    try:
        return model.get_parameter(name)
    except AttributeError:
        return None


def _share(model: torch.nn.Module, name: str, other: str) -> None:
    """Register the parameter `other` under another name too."""
    owner, leaf = _owner(model, name)
    setattr(owner, leaf, model.get_parameter(other))


# ---- devices and random numbers ----


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Draw random numbers from a seed, without changing torch's global state. Without a seed, use the global state."""
    if seed is None:
        yield
        return
    kinds: dict[str, Any] = {}
    if device.type not in ("cpu", "meta"):
        kinds = {"devices": [device.index or 0], "device_type": device.type}
    with torch.random.fork_rng(**(kinds or {"devices": []})):
        torch.manual_seed(seed)
        yield


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """Create new tensors on a device. On meta, skip their initialization."""
    with torch.device(device):
        if device.type == "meta":
            with _NoValues():
                yield
        else:
            yield


class _NoValues(TorchFunctionMode):
    """Skips operations that fill a tensor with values.

    On meta they have no effect and are slow: drawing normal numbers there imports torch's compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init" and args and isinstance(args[0], torch.Tensor):
            return args[0]
        name = getattr(func, "__name__", "")
        if name in _FILLS and args:
            return args[0]
        if name in _RANDOM and func is getattr(torch, name):
            kwargs = {key: value for key, value in (kwargs or {}).items() if key != "generator"}
            return torch.empty(*args, **kwargs)
        return func(*args, **(kwargs or {}))


_FILLS = {"normal_", "uniform_", "trunc_normal_", "exponential_", "bernoulli_", "log_normal_", "geometric_", "cauchy_"}
_RANDOM = {"randn", "rand"}
