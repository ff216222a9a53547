"""Lists the parameters and buffers of a traced model, with ties and freezes, and sums up the totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import translate
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem
from nnshape.problems.nearest import nearest
from nnshape.records import dataclass
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size, TooLarge, substitute
from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.tensor import Tensor, product, shape_text
from nnshape.tracing.work_limit import ended
from nnshape.work import RULE, OutOfWork, spend

if TYPE_CHECKING:
    from nnshape.spec import Span, Spec
    from nnshape.tracing.model import Call, Module


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter or buffer, under its name in the state dict.

    `count` is its number of elements. `tied_to` is the name of the parameter that it shares a tensor with; only
    that one is counted in the totals.
    """

    name: str
    tensor: Tensor
    module: Module
    trainable: bool = True
    buffer: bool = False
    tied_to: str | None = None

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
            if row.buffer:
                buffers, buffer_bytes = buffers + size, buffer_bytes + size_bytes
            elif row.tied_to is None:
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


def named_tensors(root: Module) -> Iterator[tuple[str, Tensor, Module, bool]]:
    """Yield each parameter and buffer of a tree of modules: name, tensor, owner, and whether it is a buffer."""
    for module in root.walk():
        prefix = f"{module.path}." if module.path else ""
        for tensors, is_buffer in ((module.parameters, False), (module.buffers, True)):
            for name, tensor in tensors.items():
                yield (f"{prefix}{name}" if name else module.path or ""), tensor, module, is_buffer


def parameter_rows(spec: Spec, root: Call, report: Callable[[Problem], None]) -> tuple[ParameterRow, ...]:
    """Return the parameters and buffers of a model. Reports wrong ties, and globs of `freeze` that match nothing."""
    assert root.module is not None
    rows = {
        name: ParameterRow(name, tensor, owner, not owner.frozen, is_buffer)
        for name, tensor, owner, is_buffer in named_tensors(root.module)
    }
    ties = _ties(rows, spec, report, root.partial_parameters)
    frozen: set[str] = set()
    names = [name for name, row in rows.items() if not row.buffer]
    characters = sum(map(len, names))
    for glob in spec.freeze:
        try:
            hit = _matching(glob.value, names, characters)
        except OutOfWork:
            report(ended(glob.span, "while matching the globs of freeze").problem)
            break
        if not hit and not root.partial_parameters:
            message = f"{glob.value} matches no parameter"
            report(Problem("unknown-name", message, glob.span, help=nearest(glob.value, rows)))
        frozen.update(hit)
    frozen |= {name for name, to in ties.items() if to in frozen} | {to for name, to in ties.items() if name in frozen}
    for name in frozen:
        rows[name] = replace(rows[name], trainable=False)
    for name, to in ties.items():
        rows[name] = replace(rows[name], tied_to=to)
    return tuple(rows.values())


def _matching(glob: str, names: list[str], characters: int) -> list[str]:
    """Return the names that a glob matches, or that are below a match. Raises OutOfWork."""
    spend(50 + 20 * len(glob) + len(names) + characters * glob.count("*") // 16)
    fits = re.compile(f"(?:{translate(glob)}|{translate(glob + '.*')})").match
    return [name for name in names if fits(name)]


def _ties(
    rows: dict[str, ParameterRow], spec: Any, report: Callable[[Problem], None], incomplete: bool
) -> dict[str, str]:
    """Return the valid ties, each a name of a parameter -> name of the parameter that it shares a tensor with."""
    ties: dict[str, str] = {}
    names = {name: None for name, row in rows.items() if not row.buffer}
    for tie in spec.tie.values():
        found = True
        for path, span in ((tie.path, tie.path_span), (tie.to, tie.to_span)):
            if path not in names:
                found = False
                if not incomplete:
                    help = nearest(path, names)
                    report(Problem("unknown-name", f"there is no parameter {path}", span, help=help))
        if not found:
            continue
        to = ties.get(tie.to, tie.to)
        if to == tie.path:
            report(Problem("invalid-argument", f"{tie.path} is tied to itself", tie.path_span))
            continue
        one, other = rows[tie.path].tensor, rows[to].tensor
        try:
            spend(RULE)
            same = len(one.shape) == len(other.shape) and all(map(assume_equal, one.shape, other.shape))
        except OutOfWork:
            report(ended(tie.path_span, "while checking this tie").problem)
            break
        if not same or one.dtype != other.dtype:
            message = (
                f"{tie.path} is {_tensor_text(one)} and {tie.to} is {_tensor_text(other)}: they cannot be one tensor"
            )
            report(Problem("size-mismatch", message, tie.path_span))
            continue
        ties[tie.path] = to
    return ties


def _tensor_text(tensor: Tensor) -> str:
    dtype = "" if tensor.dtype == "float32" else tensor.dtype
    return dtype + shape_text(tensor.shape)
