"""Holds what nnshape says of a mutated spec against the real modules: `judged`."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from eager import Ran, Refused, execute
from gallery import SIZES
from mutating import Mutation

import nnshape
from nnshape.fixes import edited, fixes
from nnshape.problems import Problem
from nnshape.shapes.dims import TooLarge, substitute
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace

#: What nnshape refuses although torch may run it: a limit, what mixes the batch, and what only a size's value decides.
STRICTER = frozenset({"too-large", "swallows-batch", "silent-broadcast", "unknown-value"})


#: A trace knows shapes and no strides, so that only the proof sees a view that a transposed tensor cannot give.
_STRIDES = "view size is not compatible with input tensor's size and stride"

#: With `is_causal`, only torch's path for inference reads a mask of bool that its other paths drop.
_DROPPED = re.compile(r"For mask_type == 2 mask shape|shape '\[\d+, -?\d+, \d+, \d+\]' is invalid for input")

# torch documents an int here. A tuple of one runs as well, since torch.empty takes it for a shape and
# F.batch_norm never reads num_features.
_ONE_SIZE = re.compile(r"BatchNorm\dd takes a whole number as num_features, not \(\d+,\)")


@dataclass(frozen=True)
class Judgement:
    """What came of a mutation; `wrong` says in words where nnshape and torch disagree, and is empty where they agree.

    `verdict` is one of `runs`, `refused`, `unreadable` (no spec at all), `stricter` and
    `unmeetable` (the model requires what no batch is, which the proof says). `step` says whether the
    first error is reported at the very step that torch stopped in. `inverse` says that the first fix gives
    the original back.
    """

    verdict: str
    wrong: str = ""
    kinds: tuple[str, ...] = ()
    step: bool = False
    fixes: int = 0
    fixes_run: int = 0
    inverse: bool = False
    original_among: bool = False


def judged(original: str, mutation: Mutation) -> Judgement:
    try:
        trace = traced(mutation.text)
    except nnshape.SpecError as error:
        return Judgement("unreadable", kinds=tuple(problem.kind for problem in error.problems))
    kinds = tuple(problem.kind for problem in trace.errors)
    if any(problem.severity == "error" for problem in trace.spec.problems):
        return Judgement("unreadable", kinds=kinds)
    if not trace.errors:
        return Judgement("runs", _against(trace)) if _batches(trace) else Judgement("unmeetable")
    if "too-large" in kinds:
        return Judgement("stricter", kinds=kinds)
    refusals = _refusals(trace)
    refused = refusals[0] if refusals else None
    told = _told(trace.errors)
    if all(_on_purpose(problem) for problem in trace.errors):
        return Judgement("stricter", kinds=kinds)
    if refused is None:
        return Judgement("refused", f"nnshape: {told}\ntorch: runs", kinds)
    wrong = _at_another_line(trace, mutation, refusals)
    line = trace.errors[0].span.line if trace.errors[0].span else 0
    step = any(first <= line <= last for refused in refusals for first, last in refused.lines[:1])
    found = fixes(trace)
    runs = 0
    for fix in found:
        after = traced(edited(mutation.text, fix.edits))
        if len(after.errors) >= len(trace.errors) and fix.problem.severity == "error":
            wrong = wrong or f"the fix {fix.shown} leaves as many errors: {told}"
        if not after.errors:
            runs += 1
            against = _against(after)
            if against:
                wrong = wrong or f"nnshape: {told}\nthe fix: {fix.description}: {fix.shown}\n{against}"
    texts = [_plain(edited(mutation.text, fix.edits)) for fix in found]
    same = _plain(original)
    return Judgement("refused", wrong, kinds, step, len(found), runs, texts[:1] == [same], same in texts)


def traced(text: str) -> Trace:
    """The trace with the sizes that have no value in the file as torch is given them."""
    spec = nnshape.loads(text)
    names = {dim.id for item in spec.inputs if item.pattern for dim in item.pattern.dims if hasattr(dim, "id")}
    return nnshape.trace(spec, overrides={name: SIZES[name] for name in names - set(spec.dims) if name in SIZES})


def _on_purpose(problem: Problem) -> bool:
    """Whether nnshape refuses what torch lets pass.

    A number for True or False, a tuple for a number of features, a size in `dims` that no input has.
    """
    message = problem.message
    spoken = "takes True or False" in message or "is no size of" in message or _ONE_SIZE.search(message)
    return problem.kind in STRICTER or bool(spoken)


def _plain(text: str) -> str:
    return "".join(text.split())


def _told(problems: tuple[Problem, ...]) -> str:
    return "; ".join(f"line {p.span.line if p.span else 0}: {p.kind}: {p.message}" for p in problems)


def _run(spec: nnshape.Spec, batch: int, mode: str) -> Ran:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return execute(spec, SIZES, batch, mode)


def _batches(trace: Trace) -> list[int]:
    """Sizes of the batch that meet what the model requires of it; none where it requires what cannot be."""
    constraints = [requirement.constraint for requirement in trace.requirements]

    def meets(batch: int) -> bool:
        try:
            return all(item.holds({"N": batch}) is not False for item in constraints)
        except TooLarge:  # a size grows with a power of the batch
            return False

    return [batch for batch in (*range(2, 4097), 1) if meets(batch)][:3]


def _refusals(trace: Trace) -> list[Refused]:
    """What torch has against a spec in each of its modes, at the first batch that it refuses."""
    found: list[Refused] = []
    for mode in ("inference", "gradients", "training"):
        for batch in dict.fromkeys([*_batches(trace), 2, 3, 5]):
            try:
                _run(trace.spec, batch, mode)
            except Refused as refused:
                found.append(refused)
                break
    return found


def _against(trace: Trace) -> str:
    """What torch has against a model that nnshape has nothing against; empty where it runs to the same shapes."""
    for batch, mode in zip(_batches(trace), ("inference", "gradients"), strict=False):
        try:
            ran = _run(trace.spec, batch, mode)
        except Refused as refused:
            if _STRIDES in str(refused) or (mode == "inference" and _DROPPED.search(str(refused))):
                return ""
            return f"nnshape: fine\ntorch, with a batch of {batch}: {refused}"
        for call in trace.root.children:
            if call.name in ran.steps and (wrong := _differs(call.output, ran.steps[call.name], batch)):
                return f"{call.name}, with a batch of {batch}: {wrong}"
        wrong = _differs(trace.output, ran.output, batch)
        if wrong:
            return f"the output, with a batch of {batch}: {wrong}"
    return ""


def _differs(expected: Any, value: Any, batch: int) -> str:
    if isinstance(expected, Tensor):
        if not isinstance(value, torch.Tensor):
            return f"nnshape: {expected}, torch: {type(value)}"
        shape = tuple(substitute(size, {"N": batch}) for size in expected.shape)
        if (shape, f"torch.{expected.dtype}") != (tuple(value.shape), str(value.dtype)):
            return f"nnshape: {expected.dtype}{list(shape)}, torch: {value.dtype}{list(value.shape)}"
        return ""
    if isinstance(expected, (tuple, list)) and isinstance(value, (tuple, list)):
        if len(expected) != len(value):
            return f"nnshape: {len(expected)} values, torch: {len(value)}"
        return next(filter(None, (_differs(*pair, batch) for pair in zip(expected, value, strict=True))), "")
    if isinstance(expected, dict) and isinstance(value, dict):
        return _differs(tuple(expected.values()), tuple(value.values()), batch)
    return ""


def _at_another_line(trace: Trace, mutation: Mutation, refusals: list[Refused]) -> str:
    """Whether no error is reported at the step that torch stopped in, nor at the mutation."""
    lines = {problem.span.line for problem in trace.errors if problem.span}
    lines |= {frame.span.line for problem in trace.errors for frame in problem.frames}
    # At this batch torch may stop where the model requires another one.
    lines |= {requirement.span.line for requirement in trace.requirements}
    around = [*(place for refused in refusals for place in refused.lines), *((line, line) for line in mutation.lines)]
    if any(first <= line <= last for line in lines for first, last in around):
        return ""
    return f"nnshape: {_told(trace.errors)}\ntorch, in lines {refusals[0].lines}: {refusals[0]}"
