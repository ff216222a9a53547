"""Tests whether samples mix: changes one on the CPU in evaluation mode, and looks at the outputs of the others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO

import torch

from nnshape.modules import budget
from nnshape.modules.building import Builder, seeded, with_code
from nnshape.modules.choosing import choose
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.lengths import drawn_lengths, lengths_of
from nnshape.problems import SpecError
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import substitute, symbols_of
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.tensor import N, Tensor, tensors_in
from nnshape.spec.nested_inputs import nested
from nnshape.tracing import Trace
from nnshape.tracing.batch import batch_axis
from nnshape.tracing.samples.flow import BatchLayout, layout_of
from nnshape.tracing.value_display import holds_unknown

#: The number of samples, if the model takes it: more than 2, so that a middle one is among them.
_SAMPLES = 4
#: The most multiply-accumulates of one run. About ten runs are needed.
_MACS = 10**9
_CPU = torch.device("cpu")
#: Random ids are drawn below these limits, largest first: the size of a table may be unknown.
_ID_LIMITS = (50, 10, 2)


def fact_of_warnings(trace: Trace) -> bool | None:
    """Return the fact for a trace that warns of samples that mix; None without a run for any other."""
    trace = trace.free or trace
    return samples_apart(trace) if any(problem.kind == "mixes-samples" for problem in trace.problems) else None


def samples_apart(trace: Trace) -> bool | None:
    """Return whether each sample's outputs depend on that sample alone; None if the run cannot tell.

    Each sample is changed in turn, and two are exchanged, which must exchange their outputs and change no other.
    The run cannot tell if an output has no batch, such as a loss, if the model is random in evaluation, or if it is
    too large for the CPU.
    """
    if trace.errors or holds_unknown(trace.output):
        return None
    layouts = [layout_of(tensor) for tensor in tensors_in(trace.output)]
    axes = {name: batch_axis(tensor.shape) for name, tensor in trace.inputs.items()}
    fixed = all(axis is not None or "N" not in _names(trace.inputs[name]) for name, axis in axes.items())
    if None in layouts or not layouts or not fixed:
        return None
    sizes = _sizes(trace)
    if sizes is None or budget.refusal(trace, _CPU, sizes) or trace.totals.partial_macs:
        return None
    macs = substitute(trace.totals.macs, sizes)
    if not isinstance(macs, int) or macs > _MACS:
        return None
    with warnings.catch_warnings(), seeded(0, _CPU), torch.inference_mode():
        warnings.simplefilter("ignore")
        try:
            model = with_code(Builder(trace, _CPU, sizes).model()).eval()
            _fill_zeros(model)
        except SpecError:
            return None
        for limit in _ID_LIMITS:
            try:
                return _Samples(model, trace, axes, layouts, sizes, limit).apart()  # type: ignore[arg-type]
            except (RuntimeError, ValueError, IndexError, NotImplementedError):
                continue
    return None


def _fill_zeros(model: torch.nn.Module) -> None:
    """Fill parameters and buffers that are all zero: a product with one of them would hide its other factor."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point() and not bool(tensor.any()):
            tensor.normal_()


def _names(tensor: Tensor) -> set[str]:
    return {name for size in tensor.shape if not isinstance(size, int) for name in symbols_of(size)}


def _sizes(trace: Trace) -> dict[str, int] | None:
    """Values of the symbols, with several samples if the model takes them."""
    symbols = sorted(
        {name for tensor in trace.inputs.values() for name in _names(tensor)}, key=lambda name: name != "N"
    )
    wanted = choose(symbols, [*trace.constraints, Constraint(N, ">=", _SAMPLES)])
    found = choose(symbols, trace.constraints) if wanted is None else wanted
    return found if found is not None and found.get("N", 1) > 1 else None


class _Samples:
    """A model with a random input for each sample, and its outputs."""

    def __init__(
        self,
        model: torch.nn.Module,
        trace: Trace,
        axes: dict[str, int | None],
        layouts: Sequence[BatchLayout],
        sizes: dict[str, int],
        limit: int,
    ) -> None:
        self._model = model
        self._trace = trace
        self._axes = axes
        self._layouts = layouts
        self._sizes = sizes
        self._limit = limit
        self._lengths = lengths_of(trace)
        self._count = sizes["N"]

    def apart(self) -> bool | None:
        """Return whether no output of a sample depends on another sample; None if the run cannot tell."""
        first, other = self._drawn(), self._drawn()
        base = self._outputs(first)
        if not all(bool(torch.isfinite(value).all()) for value in base):
            return None
        if not all(map(torch.equal, base, self._outputs(first))):  # random in evaluation
            return None
        moved = False
        for sample in range(self._count):
            changed = {name: self._with_sample(first[name], other[name], name, sample) for name in first}
            outputs = self._outputs(changed)
            for value, before, layout in zip(outputs, base, self._layouts, strict=True):
                own = self._owners(value, layout) == sample
                if not torch.equal(_rows(value, layout, ~own), _rows(before, layout, ~own)):
                    return False
                moved = moved or not torch.equal(_rows(value, layout, own), _rows(before, layout, own))
        if not moved:  # a model that gives zeros, or ids that change nothing
            return None
        return self._exchanges(first, base)

    def _exchanges(self, inputs: dict[str, torch.Tensor], base: list[torch.Tensor]) -> bool:
        """Return whether exchanging the first and the last sample exchanges their outputs."""
        order = torch.arange(self._count)
        order[[0, -1]] = order[[-1, 0]]
        exchanged = {}
        for name, tensor in inputs.items():
            axis = self._axes[name]
            exchanged[name] = tensor if axis is None else tensor.index_select(axis, order)
        outputs = self._outputs(exchanged)
        for value, before, layout in zip(outputs, base, self._layouts, strict=True):
            owners = self._owners(before, layout)
            places = torch.cat([torch.nonzero(owners == owner).flatten() for owner in range(self._count)])
            turned = torch.cat([torch.nonzero(owners == owner).flatten() for owner in order.tolist()])
            one, two = value.index_select(layout.dim, places), before.index_select(layout.dim, turned)
            # Kernels may sum in another order at another place.
            near = torch.allclose(one, two, 1e-3, 1e-4) if one.is_floating_point() else torch.equal(one, two)
            if not near:
                return False
        return True

    def _drawn(self) -> dict[str, torch.Tensor]:
        found = {}
        for name, tensor in self._trace.inputs.items():
            shape = [int(substitute(size, self._sizes)) for size in tensor.shape]
            dtype = torch_dtype(tensor.dtype)
            if name in self._lengths:
                found[name] = drawn_lengths(shape, dtype, self._lengths[name], self._sizes)
            elif dtype.is_floating_point or dtype.is_complex:
                found[name] = torch.randn(shape, dtype=dtype if dtype.is_complex else torch.float32).to(dtype)
            else:
                found[name] = torch.randint(self._limit, shape).to(dtype)
        return found

    def _with_sample(self, one: torch.Tensor, other: torch.Tensor, name: str, sample: int) -> torch.Tensor:
        """Return one input with a sample of the other."""
        axis = self._axes[name]
        if axis is None:
            return one
        changed = one.clone()
        changed.select(axis, sample).copy_(other.select(axis, sample))
        return changed

    def _outputs(self, inputs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        # A copy, since a module may write into its input; and fx would show the code that failed.
        with redirect_stderr(StringIO()):
            copies = {name: tensor.clone() for name, tensor in inputs.items()}
            output = self._model(*nested(self._trace.spec.inputs, copies).values())
        return [leaf for leaf in leaves_in(output) if isinstance(leaf, torch.Tensor)]

    def _owners(self, value: torch.Tensor, layout: BatchLayout) -> torch.Tensor:
        """Return the sample of each row of an output along the dimension of the batch."""
        inner = int(substitute(layout.inner, self._sizes))
        return torch.arange(value.shape[layout.dim]) // inner % self._count


def _rows(value: torch.Tensor, layout: BatchLayout, chosen: torch.Tensor) -> torch.Tensor:
    return value.index_select(layout.dim, torch.nonzero(chosen).flatten())
