"""Builds the real modules of a trace: torch's own classes as leaves, graph modules as blocks."""

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
from nnshape.modules.devices import available_device
from nnshape.modules.graphs import Writer
from nnshape.modules.initial import first_values, own_tensor
from nnshape.modules.leaves import Values, construct
from nnshape.problems import Problem, SpecError
from nnshape.spec.naming_rules import item_name_fault
from nnshape.tracing import Call, Trace
from nnshape.tracing.model import Module, Run
from nnshape.tracing.value_display import holds_unknown


def build(trace: Trace, device: str = "cpu", *, seed: int | None = None) -> torch.nn.Module:
    """Build the model on a device, its random values from `seed` where one is given.

    Raises SpecError where the trace has errors, a size of a module has no value, or the device is not there.
    """
    place = available_device(device)
    with seeded(seed, place):
        return with_code(Builder(trace, place).model())


def with_code(model: torch.nn.Module) -> torch.nn.Module:
    """The model with the code of its blocks written, so that it runs by itself."""
    for module in model.modules():
        if isinstance(module, BlockModule):
            module._write_code()
    return model


class Refused(torch.nn.Module):
    """Stands where torch refused to construct a module; running it raises what torch said."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Raise what the constructor raised."""
        raise self.error


class Builder:
    """Makes the modules of one trace; `values` gives symbols in the sizes of modules their values."""

    def __init__(self, trace: Trace, device: torch.device, values: Values | None = None, lenient: bool = False) -> None:
        if trace.errors:
            raise SpecError(*trace.errors)
        self.trace = trace
        self.device = device
        self.values = values or {}
        #: Whether a module that torch refuses leaves a gap, which its call then reports.
        self.lenient = lenient
        #: What may still be made for a proof; who asks for the model itself gets all of it.
        self._budget = Allowance(MADE) if lenient else None
        self.real: dict[Module, torch.nn.Module] = {}
        self._blueprints: dict[Module, Blueprint] = {}

    def model(self) -> torch.nn.Module:
        """The model, with its shared and frozen parameters."""
        unknown = unknown_call(self.trace)
        if unknown is not None:
            message = f"what {unknown.path} gives out is unknown, so the model cannot be built"
            raise SpecError(Problem("unknown-value", message, unknown.span))
        root = self.trace.root.module
        assert root is not None
        assert root.run is not None
        with on_device(self.device):
            model = self._body(root, root.run)
        for row in self.trace.parameters:
            # In a proof either may belong to a module that was not made.
            if row.tied_to is not None and not (
                self.lenient and None in (_parameter(model, row.name), _parameter(model, row.tied_to))
            ):
                _share(model, row.name, row.tied_to)
        for row in self.trace.parameters:
            if not row.trainable and not row.buffer and _parameter(model, row.name) is not None:
                model.get_parameter(row.name).requires_grad_(False)
        return model

    def blueprint(self, module: Module) -> Blueprint:
        """The graph of a module with a body."""
        found = self._blueprints.get(module)
        if found is None:
            assert module.run is not None
            found = Writer(module, module.run, self.blueprint, self.device).write()
            self._blueprints[module] = found
        return found

    def _body(self, module: Module, run: Run) -> torch.nn.Module:
        children = self._children(module, run)
        blueprint = self.blueprint(module)
        made: torch.nn.Module
        if blueprint.plain:
            made = torch.nn.Sequential(OrderedDict(children))
        else:
            kind = SequentialBlock if module.type == "Sequential" else BlockModule
            made = kind(blueprint.graph, _class_name(module.type), children)
        self.real[module] = made
        return made

    def _children(self, module: Module, run: Run) -> dict[str, Any]:
        """A module's children by name: modules, parameters, and buffers with whether they are saved."""
        _check_names(module)
        children: dict[str, Any] = {}
        made_by = first_values(run) if any(child.tensor is not None for child in module.children.values()) else {}
        for name, child in module.children.items():
            if child.tensor is None:
                children[name] = self._module(child)
            else:
                tensor = own_tensor(child, made_by[child], self.values, self.device)
                if child.type == "Parameter":
                    children[name] = torch.nn.Parameter(tensor, requires_grad=not child.frozen)
                else:
                    children[name] = (tensor, child.persistent)
        return children

    def _container(self, module: Module) -> torch.nn.Module:
        """A ModuleList or its like, which holds and is not applied."""
        assert module.run is not None
        kind: type[torch.nn.Module] = getattr(torch.nn, module.type)
        children = self._children(module, module.run)
        made = kind(children) if module.type.endswith("Dict") else kind(children.values())
        self.real[module] = made
        return made

    def _module(self, module: Module) -> torch.nn.Module:
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
        except SpecError:
            raise
        except Exception as error:  # whatever torch, or a class of the person's own, raises
            if not self.lenient:
                raise SpecError(refusal_of_torch(f"{module.path} cannot be constructed", error, module.span)) from error
            made = Refused(error)
        self.real[module] = made
        return made


def refusal_of_torch(message: str, error: BaseException, span: Any) -> Problem:
    """The problem of a call that torch refuses and the table does not."""
    said = str(error).strip() or type(error).__name__
    return Problem("torch-disagrees", message, span, notes=(f"torch says: {said}",))


def unknown_call(trace: Trace) -> Call | None:
    """The first call whose output is unknown, in part or whole: no graph can be written of it."""
    return next((call for call in trace.calls if holds_unknown(call.output)), None)


def _class_name(name: str) -> str:
    """A name that Python's own classes can have: a model may be called by any text."""
    return "".join(character if character.isprintable() else "_" for character in name)


def _check_names(module: Module) -> None:
    """Raise SpecError for a child that torch cannot keep under its name.

    The reader refuses all such names that this release of torch has; another may have more.
    """
    for name, child in module.children.items():
        wrong = item_name_fault(name, module.type)
        if wrong is None and name in taken_names():
            wrong = f"a module cannot be called {name} in torch: a block has an attribute of that name"
        if wrong is not None:
            help = (f"call it {name.lstrip('_')}1",) if name.isidentifier() else ()
            raise SpecError(Problem("invalid-name", wrong, child.span, help=help))


@cache
def taken_names() -> frozenset[str]:
    """The names of a block's own attributes, those that it has once its code is written included."""
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
    """Let one name stand for the parameter that another names."""
    owner, leaf = _owner(model, name)
    setattr(owner, leaf, model.get_parameter(other))


# ---- where and with which numbers ----


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Draw random numbers from a seed, and leave torch's own as they are; without one, draw from torch's."""
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
    """Make new tensors on a device; on meta, which holds no values, initialise none."""
    with torch.device(device):
        if device.type == "meta":
            with _NoValues():
                yield
        else:
            yield


class _NoValues(TorchFunctionMode):
    """Leaves out what only fills a tensor with values.

    On meta it would do nothing but cost: drawing normal numbers there imports torch's whole compiler.
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
