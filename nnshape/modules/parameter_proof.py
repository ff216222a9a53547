"""The parameters and buffers of the real modules, held against those of a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from nnshape.modules.building import Refused
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.structure import described
from nnshape.problems import Problem
from nnshape.shapes.dims import Size, substitute
from nnshape.tracing import ParameterRow, Trace


def tensors_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer by name; one that several modules share has all its names."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def compare_parameters(
    trace: Trace, model: torch.nn.Module, sizes: Mapping[str, int]
) -> tuple[list[Problem], list[str]]:
    """Where the real parameters and buffers are not those of the trace: the problems, and their names."""
    found = _Comparison(trace, model, sizes)
    found.compare_rows()
    found.compare_names()
    if not found.wrong:  # what is missing or another one has been told
        found.compare_order()
        found.compare_totals()
    return found.problems, found.wrong


class _Comparison:
    """The rows of a trace and the tensors of a model."""

    def __init__(self, trace: Trace, model: torch.nn.Module, sizes: Mapping[str, int]) -> None:
        self.problems: list[Problem] = []
        self.wrong: list[str] = []
        self._trace, self._model, self._sizes = trace, model, sizes
        self._parameters: dict[str, Any] = dict(model.named_parameters(remove_duplicate=False))
        self._buffers: dict[str, Any] = dict(model.named_buffers(remove_duplicate=False))
        #: The modules that were not made.
        self._gaps = {name for name, module in model.named_modules() if isinstance(module, Refused)}
        self._rows = [row for row in trace.parameters if not self._is_gap(row)]

    def _is_gap(self, row: ParameterRow) -> bool:
        return bool(self._gaps) and (_is_inside(row.name, self._gaps) or _is_inside(row.tied_to or "", self._gaps))

    def _tell(self, name: str, message: str, span: Any) -> None:
        self.problems.append(Problem("torch-disagrees", message, span))
        self.wrong.append(name)

    def compare_rows(self) -> None:
        """Hold the shape and dtype of each row, and whether it is trained and tied, against the real tensor."""
        for row in self._rows:
            kind = "buffer" if row.buffer else "parameter"
            tensor = (self._buffers if row.buffer else self._parameters).get(row.name)
            if tensor is None:
                self._tell(row.name, f"{row.name} is in the table, but torch has no such {kind}", row.span)
                continue
            shape = tuple(substitute(size, self._sizes) for size in row.tensor.shape)
            if tuple(tensor.shape) != shape or tensor.dtype != torch_dtype(row.tensor.dtype):
                table = f"{row.tensor.dtype}[{', '.join(map(str, shape))}]"
                message = f"{row.name}: the table says {table}, but torch has {described(tensor)}"
                self._tell(row.name, message, row.span)
            elif not row.buffer and tensor.requires_grad is not row.trainable:
                state = "trainable" if tensor.requires_grad else "frozen"
                self._tell(row.name, f"{row.name} is {state} in torch, but not in the table", row.span)
            elif row.tied_to is not None and tensor is not (self._buffers if row.buffer else self._parameters).get(
                row.tied_to
            ):
                message = f"{row.name} is tied to {row.tied_to} in the table, but not in torch"
                self._tell(row.name, message, row.span)

    def compare_names(self) -> None:
        """Find the entries of torch's state dict that the table lacks."""
        rows = {row.name for row in self._trace.parameters}
        known = {id(self._parameters.get(name, self._buffers.get(name))) for name in rows}
        for name, tensor in self._model.state_dict(keep_vars=True).items():
            if name not in rows and id(tensor) not in known:
                message = f"{name}: torch has {described(tensor)}, but the table does not"
                self._tell(name, message, self._trace.root.span)

    def compare_order(self) -> None:
        """Hold the order of the rows against torch's: optimizers number the parameters by it."""
        for is_buffer, real in ((False, self._parameters), (True, self._buffers)):
            rows = {row.name: row for row in self._rows if row.buffer is is_buffer}
            torchs = [name for name in real if name in rows]
            for name, other in zip(rows, torchs, strict=True):
                if name != other:
                    message = f"{name} stands in the table where torch has {other}: the order differs"
                    self._tell(name, message, rows[name].span)
                    break

    def compare_totals(self) -> None:
        """Hold the sums of the table against those of the model; a tied parameter counts once."""
        totals = self._trace.totals
        if self._gaps or totals.partial_parameters:
            return
        parameters = list(self._model.parameters())
        sums = {
            "parameters": (totals.parameters, _elements(parameters)),
            "trainable parameters": (totals.trainable, _elements(p for p in parameters if p.requires_grad)),
            "bytes of parameters": (totals.parameter_bytes, _bytes(parameters)),
        }
        for name, (table, real) in sums.items():
            known: Size = substitute(table, self._sizes) if not isinstance(table, int) else table
            if known != real:
                self._tell(name, f"the table counts {known} {name}, but torch {real:,}", self._trace.root.span)


def _elements(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _is_inside(name: str, modules: set[str]) -> bool:
    """Return whether a parameter belongs to one of these modules or their descendants."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in modules for count in range(1, len(parts)))
