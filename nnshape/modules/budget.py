"""The budgets of a proof, in work and never in seconds, so that the result is the same on every machine.

Beyond a budget, a call or the whole model is reported as unproved, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from nnshape.modules.blueprint import carried_out
from nnshape.shapes.dims import Dim, Size, substitute
from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.tracing import Trace
from nnshape.tracing.model import Module, Operation, StoredTensor
from nnshape.tracing.runtime_sizes import plain

#: The most calls of a model that is proved. Each is a node of a graph, and keeps its memory until the end.
CALLS = 32_000
#: The most modules, parameters and buffers that one proof creates.
MADE = 100_000
#: The most torch operations that one proof runs. A call counts `_ASKED`, or 1 if its result is cached.
RUN = 100_000
#: The most bytes of parameters, buffers and values on devices that use main memory.
BYTES = 4 * 2**30
#: The most multiply-accumulates and elements read and written, on devices other than meta.
WORK = 10**12
#: The limit for one tensor on any device, in bytes: torch counts them in 64 bits.
TENSOR_BYTES = 2**63

_ASKED = 3
#: The work of one step of a recurrent layer on meta, which torch decomposes into operations.
_STEP = 30
#: Functions that take cubic time in the size of a matrix, and a factor for their iterations.
_CUBIC = frozenset({
    "cholesky", "cholesky_ex", "cholesky_inverse", "cond", "corrcoef", "cov", "det", "eig", "eigh", "eigvals",
    "eigvalsh", "geqrf", "householder_product", "inv", "inv_ex", "inverse", "ldl_factor", "logdet", "lstsq", "lu",
    "lu_factor", "lu_solve", "matrix_exp", "matrix_power", "matrix_rank", "norm", "nuclear_norm", "orgqr", "ormqr",
    "pinv", "pinverse", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve",
})  # fmt: skip
_CUBIC_STEPS = 64
#: Functions that take a power for each feature of each pair of rows, and what one costs in memory accesses.
_POWERS = frozenset({"cdist", "pdist"})
_POWER = 16
#: The sizes of packed sequences, which lengths decide.
_OF_PACKED = re.compile(r"(longest|packed)\d+")


class Allowance:
    """A budget of operations, in whole units."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most

    def take(self, amount: int) -> bool:
        """Spend some work and return True, or return False if less is left."""
        if amount > self.left:
            return False
        self.left -= amount
        return True


def made(module: Module) -> int:
    """Return the cost of making a leaf module."""
    return 1 + len(module.parameters) + len(module.buffers)


def asked(operation: Operation, steps: int = 0) -> int:
    """Return the cost of running an operation; `steps` is the number of time steps that a recurrent layer runs."""
    tensors = [*tensors_in((operation.arguments, dict(operation.keywords))), *tensors_in(operation.result)]
    amount = _ASKED + sum(1 + len(tensor.shape) // 8 for tensor in tensors) // 4
    target = operation.target
    if isinstance(target, Module):
        # Each layer of a stack has its own parameters.
        layers = 0 if steps else int(getattr(target.layer, "num_layers", 0) or 0)
        return amount + 2 * len(target.parameters) + _STEP * steps + 40 * min(layers, RUN)
    return amount


def refusal(trace: Trace, device: torch.device, sizes: Mapping[str, int]) -> str:
    """Return the reason not to run a model on a device, or an empty string."""
    if len(trace.calls) > CALLS:
        return f"it makes {len(trace.calls):,} calls, but a proof runs at most {CALLS:,}"
    measure = measured(trace, device, sizes)
    if measure.largest >= TENSOR_BYTES:
        return "it has a tensor of 2**63 bytes or more, too large for torch to address"
    if device.type == "meta":
        return ""
    if device.type in ("cpu", "mps") and measure.bytes + measure.transient > BYTES:
        needed = (measure.bytes + measure.transient) / 2**30
        return (
            f"its parameters and values need {needed:,.1f} GiB, but a proof on {device} may use at most "
            f"{BYTES // 2**30}: use the meta device, which needs none"
        )
    work = measure.work + measure.macs
    if work > WORK:
        return (
            f"it needs {work:.1e} multiply-accumulates and memory accesses, but a proof on {device} may use at most "
            f"{WORK:.0e}: use the meta device, which needs none"
        )
    return ""


def measured(trace: Trace, device: torch.device, sizes: Mapping[str, int]) -> Usage:
    """Return what one run of a model takes on a device at these sizes."""
    measure = Usage(device, _with_lengths(trace, sizes))
    for row in trace.parameters:
        if row.tied_to is None:
            measure.keep(row.tensor)
    measure.parameter_bytes = measure.bytes
    for tensor in trace.inputs.values():
        measure.keep(tensor)
    for call in trace.root.walk():
        for operation in carried_out(call) if device.type == "meta" else call.operations:
            if operation.run is None:  # the output of a body is counted by its calls
                measure.count(operation)
    measure.macs = measure.number(trace.root.macs)
    return measure


def _with_lengths(trace: Trace, sizes: Mapping[str, int]) -> Mapping[str, int]:
    """The sizes, and those of packed sequences at their largest, as without padding."""
    found = dict(sizes)
    for constraint in trace.constraints:
        name = str(constraint.right)
        if constraint.relation == ">=" and name not in found and _OF_PACKED.fullmatch(name):
            most = substitute(constraint.left, found)
            if isinstance(most, int):
                found[name] = most
    return found


class Usage:
    """Sums up the memory and work that a model takes, from its trace.

    `bytes` is kept until the end, `parameter_bytes` of it by parameters and buffers; `transient` is the most that one
    operation takes while it runs, `work` counts memory accesses, and `steps` those that layers take one by one.
    `unknown` is True if a size depends on the values of a tensor.
    """

    def __init__(self, device: torch.device, sizes: Mapping[str, int]) -> None:
        self.bytes = self.parameter_bytes = self.transient = self.work = self.largest = self.macs = 0
        self.steps = 0
        self.unknown = False
        self._sizes = sizes
        self._on_meta = device.type == "meta"
        self._known: dict[tuple[Any, ...], int] = {}

    def number(self, size: Size) -> int:
        """A size at the values of the run; 1 where it depends on the values of a tensor."""
        if not isinstance(size, Dim):
            return int(size)
        known = substitute(size, self._sizes)
        if isinstance(known, int):
            return known
        self.unknown = True
        return 1

    def elements(self, tensor: Tensor) -> int:
        """Return the number of elements of a tensor at the sizes of the run."""
        found = self._known.get(tensor.shape)
        if found is None:
            found = 1
            for size in tensor.shape:
                found *= max(0, self.number(size))
            self._known[tensor.shape] = found
        return found

    def keep(self, tensor: Tensor) -> None:
        """Count a tensor that stays in memory until the end."""
        bytes = self.elements(tensor) * ITEM_BYTES[tensor.dtype]
        self.largest = max(self.largest, bytes)
        self.bytes += bytes
        self.work += bytes

    def count(self, operation: Operation) -> None:
        """Count the outputs of an operation, and the memory and work to compute them."""
        for tensor in tensors_in(operation.result):
            self.keep(tensor)
        if self._on_meta or isinstance(operation.target, StoredTensor):
            return
        given = list(tensors_in((operation.arguments, dict(operation.keywords))))
        self.work += sum(map(self.elements, given))
        if isinstance(operation.target, Module):
            self._leaf(operation, given)
        else:
            self._function(operation, operation.target, given)

    def _leaf(self, operation: Operation, given: list[Tensor]) -> None:
        assert isinstance(operation.target, Module)
        layer = operation.target.layer
        kernel = getattr(layer, "kernel_size", None) or getattr(layer, "size", None)
        if kernel is not None:
            # Each output element reads one window. For other dtypes than float32, torch unfolds the input of a
            # convolution.
            window = self._window(kernel, operation)
            channels = max(1, int(getattr(layer, "out_channels", None) or 1))
            results = sum(map(self.elements, tensors_in(operation.result)))
            self.work += results * window
            widest = max((self.number(t.shape[1]) if len(t.shape) > 1 else 1 for t in given), default=1)
            if channels > 1 and any(tensor.dtype != "float32" for tensor in given):
                self.transient = max(self.transient, results // channels * window * widest * 4)
        heads = getattr(layer, "nhead", None) or getattr(layer, "num_heads", None)
        for inner in (getattr(layer, "encoder_layer", None), getattr(layer, "decoder_layer", None)):
            heads = heads or getattr(inner, "nhead", None)
        if heads:
            self._attention(int(heads), given)
        if given and (type(layer).__name__ == "CrossMapLRN2d" or getattr(layer, "num_layers", None)):
            longest = max((self.number(size) for size in given[0].shape[:2]), default=1)
            self.steps += longest * int(getattr(layer, "num_layers", 0) or longest)

    def _window(self, kernel: Any, operation: Operation) -> int:
        """Return the number of elements of a window; a single number applies to every spatial dimension."""
        rank = max((len(tensor.shape) for tensor in tensors_in(operation.result)), default=0)
        window = 1
        for size in kernel if isinstance(kernel, (tuple, list)) else (kernel,) * max(1, min(3, rank - 2)):
            window *= max(1, self.number(size)) if isinstance(size, (int, Dim)) else 1
        return window

    def _function(self, operation: Operation, function: Function, given: list[Tensor]) -> None:
        name = function.name
        second = plain(operation.arguments[1]) if len(operation.arguments) > 1 else None
        if "pool" in name or name == "local_response_norm":
            kernel = plain(operation.keywords.get("kernel_size", operation.keywords.get("size", second)))
            if isinstance(kernel, (int, tuple, list)):
                self.work += sum(map(self.elements, tensors_in(operation.result))) * self._window(kernel, operation)
        if name in ("mvlgamma", "mvlgamma_"):
            terms = plain(operation.keywords.get("p", second))
            if isinstance(terms, int):
                self.transient = max(self.transient, sum(map(self.elements, given)) * terms * 4)
        if name in _CUBIC or function.measured:
            for tensor in given:
                sides = sorted(self.number(size) for size in tensor.shape[-2:]) or [1]
                self.work += self.elements(tensor) * sides[0] * _CUBIC_STEPS
        if name in _POWERS and given:
            features = self.number(given[0].shape[-1]) if given[0].shape else 1
            self.work += _POWER * features * sum(map(self.elements, tensors_in(operation.result)))
        if name == "scaled_dot_product_attention" and len(given) > 1:
            self._attention(1, given)
        if name == "einsum" and len(given) > 2:
            total = 1
            for tensor in given:
                total *= max(1, self.elements(tensor))
            self.transient = max(self.transient, total * 4)

    def _attention(self, heads: int, given: list[Tensor]) -> None:
        """Count the attention scores: each token of one input with each of another, per head."""
        wide = [tensor for tensor in given if tensor.shape]
        tokens = max((self.elements(t) // max(1, self.number(t.shape[-1])) for t in wide), default=0)
        longest = max((self.number(size) for t in wide for size in t.shape[:-1]), default=0)
        self.transient = max(self.transient, 12 * heads * tokens * longest)
        self.work += heads * tokens * longest
