"""The proof: builds the model, runs it, and compares every call and parameter with the trace."""

from __future__ import annotations

import warnings
from dataclasses import field
from typing import Any

import torch

from nnshape.modules import budget
from nnshape.modules.building import Builder, Refused, seeded, unknown_call
from nnshape.modules.choosing import choose
from nnshape.modules.devices import available_device
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.observing import Observer, described
from nnshape.problems import Problem
from nnshape.records import dataclass
from nnshape.shapes.dims import Dim, substitute, symbols_of
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace


@dataclass(frozen=True)
class Verification:
    """The result of a proof.

    `calls` is the number of rows of the table, and `parameters` the number of elements of the built model's
    parameters, tied ones counted once. `agree` is True if something was proved and nothing disagrees.
    `disagreements` are problems of the kind `torch-disagrees`. `unproved` names the calls that were not run.
    `sizes` are the values in the run of symbols that have none in the model.
    """

    device: str
    torch: str
    calls: int
    parameters: int
    agree: bool
    disagreements: tuple[Problem, ...] = ()
    unproved: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    #: The paths of the calls, and the names of the parameters and buffers, that disagree.
    wrong_calls: tuple[str, ...] = ()
    wrong_parameters: tuple[str, ...] = ()
    #: Why nothing was proved, or empty.
    reason: str = ""
    #: For each unproved call beyond a budget, the reason. Other unproved calls could not run on the device.
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The result in one line."""
        if self.reason:
            return f"not proved on {self.device} with torch {self.torch}: {self.reason}"
        agreed = self.calls - len(self.wrong_calls) - len(self.unproved)
        parameters = f"{self.parameters:,} parameter{'' if self.parameters == 1 else 's'}"
        text = f"built on {self.device} with torch {self.torch}: {agreed} of {self.calls} shapes"
        text += " agree" if self.wrong_parameters else f" and {parameters} agree"
        if self.wrong_calls:
            text += f", {len(self.wrong_calls)} {_do_not(self.wrong_calls)}: {_listed(self.wrong_calls)}"
        if self.wrong_parameters:
            count = len(self.wrong_parameters)
            text += f"; {count} parameter{'' if count == 1 else 's'} {_do_not(self.wrong_parameters)}"
            text += f": {_listed(self.wrong_parameters)}"
        could_not = tuple(path for path in self.unproved if path not in self.reasons)
        if could_not:
            text += f"; {len(could_not)} could not run there: {_listed(could_not)}"
        if self.reasons:
            why = next(iter(self.reasons.values()))
            text += f"; {len(self.reasons):,} not proved, since {why}: {_listed(tuple(self.reasons))}"
        return text


def _do_not(names: tuple[str, ...]) -> str:
    return "does not" if len(names) == 1 else "do not"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - 3
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:3])} and {more} more"


def verify(trace: Trace, device: str = "meta") -> Verification:
    """Build the model on a device, run it once, and compare every call and parameter with the trace.

    Raises SpecError if the trace has errors, the model cannot be built, or the device is not available.
    """
    place = available_device(device)
    calls = len(trace.calls)
    sizes = choose(open_symbols(trace), trace.constraints)
    unknown = unknown_call(trace)
    reason = ""
    if sizes is None:
        listed = ", ".join(map(str, trace.constraints[:3])) + (", …" if len(trace.constraints) > 3 else "")
        reason = f"no sizes were found that meet the requirements ({listed}): give them in dims"
    elif unknown is not None and not trace.errors:
        reason = f"the output of {unknown.path} is unknown"
    elif not trace.errors:
        reason = budget.refusal(trace, place, sizes)
    if sizes is None or reason:
        every = tuple(call.path for call in trace.calls)
        return Verification(str(place), _version(), calls, 0, False, unproved=every, reason=reason)
    # The proof must not change the random state of the caller.
    with warnings.catch_warnings(), seeded(0, place), torch.inference_mode(), torch.device(place):
        warnings.simplefilter("ignore")
        builder = Builder(trace, place, sizes, lenient=True)
        model = builder.model().eval()
        problems, wrong_parameters = compare_parameters(trace, model, sizes)
        observer = Observer(builder, sizes)
        root = trace.root.module
        assert root is not None
        assert root.run is not None
        observer.run(root, root.run, tuple(_input(value, sizes, place) for value in root.run.inputs.values()), {})
    # Tied parameters are one object, so they count once.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    disagreements = (*observer.problems, *problems)
    return Verification(
        str(place),
        _version(),
        calls,
        parameters,
        not disagreements,
        disagreements,
        tuple(observer.unproved),
        sizes,
        tuple(observer.wrong),
        tuple(wrong_parameters),
        reasons=observer.reasons,
    )


def open_symbols(trace: Trace) -> list[str]:
    """Return the symbols without a value in the sizes of the inputs, N first."""
    found: dict[str, None] = {}
    for tensor in trace.inputs.values():
        for size in tensor.shape:
            if isinstance(size, Dim):
                found.update(dict.fromkeys(sorted(symbols_of(size))))
    return sorted(found, key=lambda name: name != "N")


def _input(value: Any, sizes: dict[str, int], device: torch.device) -> Any:
    """Return a tensor for an input: random numbers, or zeros for integers, which are valid indices of any table."""
    if not isinstance(value, Tensor):
        return value
    shape = [int(substitute(size, sizes)) for size in value.shape]
    dtype = torch_dtype(value.dtype)
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        return torch.rand(shape, device=device).to(dtype)
    if dtype.is_complex:
        return torch.randn(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)


def compare_parameters(trace: Trace, model: torch.nn.Module, sizes: dict[str, int]) -> tuple[list[Problem], list[str]]:
    """Compare the parameters and buffers of a model with the trace: return the problems and the wrong names."""
    real: dict[str, Any] = dict(model.named_parameters(remove_duplicate=False))
    buffers = dict(model.named_buffers(remove_duplicate=False))
    gaps = {name for name, module in model.named_modules() if isinstance(module, Refused)}
    problems: list[Problem] = []
    wrong: list[str] = []

    def tell(name: str, message: str, span: Any) -> None:
        problems.append(Problem("torch-disagrees", message, span))
        wrong.append(name)

    for row in trace.parameters:
        if gaps and (_is_inside(row.name, gaps) or _is_inside(row.tied_to or "", gaps)):
            continue
        kind = "buffer" if row.buffer else "parameter"
        tensor = (buffers if row.buffer else real).get(row.name)
        if tensor is None:
            tell(row.name, f"{row.name} is in the table, but torch has no such {kind}", row.span)
            continue
        shape = tuple(substitute(size, sizes) for size in row.tensor.shape)
        if tuple(tensor.shape) != shape or tensor.dtype != torch_dtype(row.tensor.dtype):
            table = f"{row.tensor.dtype}[{', '.join(map(str, shape))}]"
            tell(row.name, f"{row.name}: the table says {table}, but torch has {described(tensor)}", row.span)
        elif not row.buffer and tensor.requires_grad is not row.trainable:
            state = "trainable" if tensor.requires_grad else "frozen"
            tell(row.name, f"{row.name} is {state} in torch, but not in the table", row.span)
        elif row.tied_to is not None and tensor is not real.get(row.tied_to):
            tell(row.name, f"{row.name} is tied to {row.tied_to} in the table, but not in torch", row.span)
    rows = {row.name: row for row in trace.parameters}
    known = {id(real.get(name, buffers.get(name))) for name in rows}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if name not in rows and id(tensor) not in known:
            tell(name, f"{name}: torch has {described(tensor)}, but the table does not", trace.root.span)
    return problems, wrong


def _is_inside(name: str, modules: set[str]) -> bool:
    """Return whether a parameter belongs to one of these modules or their descendants."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in modules for count in range(1, len(parts)))


def _version() -> str:
    """Return the version of torch, without the suffix of the build."""
    return str(torch.__version__).partition("+")[0]
