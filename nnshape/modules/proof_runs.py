"""The runs of a proof: step by step at each set of sizes and in each mode, and the forward method itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from io import StringIO
from typing import Any

import torch

from nnshape.modules.asking import Asker
from nnshape.modules.building import Builder, Refused, refusal_of_torch, with_code
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.lengths import drawn_lengths, lengths_of
from nnshape.modules.observing import Observer, cannot_run_there
from nnshape.modules.standing_in import FEW, shortened_inside
from nnshape.modules.stride_proof import StrideProof, proves_strides
from nnshape.modules.structure import Sizes
from nnshape.problems import Problem
from nnshape.proofs.modes import EVALUATION, TRAINING
from nnshape.shapes.dims import substitute
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import Call


class ProofRuns:
    """Runs one built model several times, and collects the disagreements and the parts that did not run, each once."""

    def __init__(self, builder: Builder, model: torch.nn.Module) -> None:
        self.problems: list[Problem] = []
        self.wrong: list[str] = []
        self.unproved: dict[str, None] = {}
        #: For each call beyond a budget, the reason.
        self.reasons: dict[str, str] = {}
        #: What else was not run, and why.
        self.remarks: list[str] = []
        #: The calls with strides that were compared.
        self.with_strides: set[Call] = set()
        self._builder, self._model = builder, model
        self._asker = Asker(builder.device)
        self._lengths = lengths_of(builder.trace)
        self._expected = {problem.span for problem in builder.trace.problems if problem.kind == "fails-in-training"}

    def step_by_step(self, sizes: Mapping[str, int], mode: str, when: str = "") -> None:
        """Run the model one operation at a time, and compare each value with the trace."""
        self._model.train(mode == TRAINING)
        self._asker.begin(mode)
        root = self._builder.trace.root.module
        assert root is not None
        assert root.run is not None
        strides = StrideProof(sizes, mode) if proves_strides(self._builder.device) else None
        observer = Observer(self._builder, dict(sizes), self._asker, when, strides)
        with _gradients(mode):
            observer.run(root, root.run, self._inputs(sizes), {})
        self.with_strides |= observer.with_strides
        told = set(self.wrong)
        failing = []
        for path, problem in zip(observer.wrong, observer.problems, strict=True):
            if mode == TRAINING and problem.span in self._expected:
                failing.append(path)
            elif path not in told:
                self.wrong.append(path)
                self.problems.append(problem)
        if failing:
            more = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
            self.remarks.append(f"{failing[0]}{more} fails in training, as the warning says")
            return  # the rest of the run went on with stand-ins
        self.unproved.update(dict.fromkeys(path for path in observer.unproved if path not in self.wrong))
        self.reasons |= observer.reasons

    def again(self, what: str, sizes: Mapping[str, int], mode: str, when: str) -> None:
        """Run step by step once more, if the budget still has as much as the first run took."""
        if self._asker.can_repeat:
            self.step_by_step(sizes, mode, when)
        elif not self.reasons:  # the same has not been told of a call
            self.remarks.append(f"{what} not run, since {self._asker.limit}")

    def forward(self, sizes: Mapping[str, int]) -> None:
        """Call the model as a person would, in evaluation mode, and compare its output with the trace."""
        if self.wrong or self.unproved or any(isinstance(module, Refused) for module in self._model.modules()):
            return  # what is wrong has been told, and what cannot run there can neither as a part of the whole
        short = self._asker.shortened
        why = "" if self._asker.can_repeat else self._asker.limit
        if short == "bilinear":  # the function, which cannot be shortened inside the method
            why = "meta would run each of the steps of bilinear"
        if why:
            self.remarks.append(f"the forward method as a whole was not run, since {why}")
            return
        if short:
            self.remarks.append(f"the forward method ran {FEW} steps of {short}, since meta would run each one")
        trace = self._builder.trace
        model = with_code(self._model.eval())
        inside = shortened_inside(model) if short else nullcontext()
        try:
            # fx would print the code that failed.
            with _gradients(EVALUATION), redirect_stderr(StringIO()), inside:
                output = model(*self._inputs(sizes))
        except Exception as error:  # whatever torch raises
            if cannot_run_there(error, self._builder.device) or self._asker.was_refused:
                self.remarks.append(f"the forward method as a whole could not run: {_first_line(error)}")
            else:
                message = "torch refuses the forward method, but accepts each of its steps"
                self.problems.append(refusal_of_torch(message, error, trace.root.span))
            return
        difference = Sizes(sizes).difference(trace.output, output)
        if difference is not None:
            self.problems.append(Problem("torch-disagrees", f"the forward method: {difference}", trace.root.span))

    def _inputs(self, sizes: Mapping[str, int]) -> tuple[Any, ...]:
        run = self._builder.trace.root.module.run  # type: ignore[union-attr]
        assert run is not None
        device = self._builder.device
        return tuple(
            drawn_lengths(tensor.shape, tensor.dtype, self._lengths[name], sizes) if name in self._lengths else tensor
            for name, value in run.inputs.items()
            for tensor in (input_tensor(value, sizes, device),)
        )


def _gradients(mode: str) -> AbstractContextManager[Any]:
    """Record gradients in training, and nothing at all in evaluation."""
    return torch.enable_grad() if mode == TRAINING else torch.inference_mode()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def input_tensor(value: Any, sizes: Mapping[str, int], device: torch.device) -> Any:
    """Return a tensor for an input: random numbers, or zeros for integers, which are valid indices of any table.

    For a list or mapping of tensors, return one of real tensors.
    """
    if not isinstance(value, Tensor):
        return value if value is None else map_nested(lambda leaf: _real(leaf, sizes, device), value)
    return _real(value, sizes, device)


def _real(value: Any, sizes: Mapping[str, int], device: torch.device) -> Any:
    if not isinstance(value, Tensor):
        return value
    shape = [int(substitute(size, dict(sizes))) for size in value.shape]
    dtype = torch_dtype(value.dtype)
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        return torch.rand(shape, device=device).to(dtype)
    if dtype.is_complex:
        return torch.randn(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)
