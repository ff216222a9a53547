"""Lists the parameters and buffers of a traced model, and sums up the totals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshape.records import dataclass
from nnshape.shapes.dims import Size, TooLarge, substitute
from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.tensor import Tensor, product
from nnshape.tracing.scope import BlockBody
from nnshape.tracing.ties import Ties, add_ties, frozen_parameters
from nnshape.tracing.work_limit import ended
from nnshape.work import PARAMETER, OutOfWork, spend

if TYPE_CHECKING:
    from nnshape.problems import Problem
    from nnshape.spec import Span, Spec
    from nnshape.tracing.model import Call, Module


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter or buffer, under its name in the state dict.

    `count` is its number of elements. `tied_to` is the name of the parameter that it shares a tensor with; only
    that one is counted in the totals. `is_other_name` is True for another name of a module that several parents hold.
    """

    name: str
    tensor: Tensor
    module: Module
    trainable: bool = True
    buffer: bool = False
    tied_to: str | None = None
    is_other_name: bool = False

    @property
    def span(self) -> Span:
        """The span of the expression that makes its module."""
        return self.module.span

    @property
    def count(self) -> Size:
        """The number of elements, those of a tied parameter included."""
        return product(self.tensor.shape)


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a model. `macs` is per sample, or for the whole batch if its size is set.

    `partial_…` is True if a part of the model is unknown.
    """

    parameters: Size
    trainable: Size
    buffers: Size
    macs: Size
    parameter_bytes: Size
    buffer_bytes: Size
    partial_parameters: bool
    partial_macs: bool

    @property
    def frozen(self) -> Size:
        """The number of elements that are not trainable."""
        return self.parameters - self.trainable


def totals_of(root: Call, rows: Sequence[ParameterRow]) -> Totals:
    """Return the totals of a model, from its root call and its parameters. Tied parameters count once."""
    parameters: Size = 0
    trainable: Size = 0
    buffers: Size = 0
    parameter_bytes: Size = 0
    buffer_bytes: Size = 0
    partial = root.partial_parameters
    for row in rows:
        try:
            size = row.count
            size_bytes = size * ITEM_BYTES[row.tensor.dtype]
            if row.buffer and row.tied_to is None:
                buffers, buffer_bytes = buffers + size, buffer_bytes + size_bytes
            elif not row.buffer and row.tied_to is None:
                parameters, parameter_bytes = parameters + size, parameter_bytes + size_bytes
                trainable = trainable + size if row.trainable else trainable
        except (TooLarge, OutOfWork):  # too many distinct symbolic terms, or too large a number
            partial = True
    try:
        macs, partial_macs = per_sample(root.macs), root.partial_macs
    except (TooLarge, OutOfWork):
        macs, partial_macs = 0, True
    return Totals(
        parameters,
        trainable,
        buffers,
        macs,
        parameter_bytes,
        buffer_bytes,
        partial,
        partial_macs,
    )


def per_sample(macs: Size) -> Size:
    """Return the MACs for a batch of 1."""
    return macs if type(macs) is int else substitute(macs, {"N": 1})


def named_tensors(root: Module) -> Iterator[tuple[str, str, Tensor, Module, bool]]:
    """Yield each name of a parameter or buffer in a tree of modules, with its first name.

    The tensor, its owner, and whether it is a buffer come after them. Raises OutOfWork if there are too many names.
    """
    for path, module in root.every_name():
        first = module.path or ""
        if path != first:
            spend(PARAMETER * (1 + len(module.parameters) + len(module.buffers)))
        for tensors, is_buffer in ((module.parameters, False), (module.buffers, True)):
            for name, tensor in tensors.items():
                yield _joined(path, name), _joined(first, name), tensor, module, is_buffer


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def whole_models(root: Module) -> Iterator[tuple[Module, Spec]]:
    """Yield the models of included files in a tree of modules, with their specs."""
    for module in root.walk():
        body = module.body
        if isinstance(body, BlockBody) and body.definition.block is None:
            yield module, body.file.spec


def parameter_rows(
    root: Module, models: Iterable[tuple[Module, Spec]], incomplete: bool, report: Callable[[Problem], None]
) -> tuple[ParameterRow, ...]:
    """Return the parameters and buffers of a module, tied and frozen as the files of these models say.

    Reports wrong ties, and globs of `freeze` that match nothing, unless parameters are unknown.
    """
    rows: dict[str, ParameterRow] = {}
    ties = Ties()
    try:
        for name, first, tensor, owner, is_buffer in named_tensors(root):
            rows[name] = ParameterRow(name, tensor, owner, not owner.frozen, is_buffer, is_other_name=name != first)
            if name != first:
                ties.add(name, first)
    except OutOfWork:
        report(ended(root.span, "while listing the names of shared modules").problem)
        return tuple(row for row in rows.values() if not row.is_other_name)
    frozen: set[str] = set()
    for module, own in models:
        if own.tie or own.freeze:
            prefix = f"{module.path}." if module.path else ""
            tensors = {name: tensor for name, _, tensor, _, is_buffer in named_tensors(module) if not is_buffer}
            add_ties(ties, own, tensors, prefix, report, incomplete)
            frozen |= frozen_parameters(own, tensors, prefix, report, incomplete)
    shared = ties.resolved()
    frozen |= {shared[name] for name in frozen if name in shared}
    frozen |= {name for name, to in shared.items() if to in frozen}
    for name in frozen:
        rows[name] = replace(rows[name], trainable=False)
    for name, to in shared.items():
        rows[name] = replace(rows[name], tied_to=to)
    return tuple(rows.values())
