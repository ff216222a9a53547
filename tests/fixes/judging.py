"""Holds what nnshape says of a mutated spec against the real modules, at three batches and in each mode: `judged`."""

from __future__ import annotations

import contextlib
import re
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from eager import Ran, execute
from eager_refusals import Refused
from gallery import SIZES
from mutating import Mutation

import nnshape
from nnshape.fixes import edited, fixes
from nnshape.problems import Problem
from nnshape.shapes.dims import TooLarge, substitute
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace

#: What nnshape refuses although torch may run it: a limit, and what only a size's value decides.
STRICTER = frozenset({"too-large", "unknown-value"})

#: Batches at which a model that nnshape refuses is run.
BATCHES = (2, 3, 5)
#: Evaluation without and with gradients, and training. torch takes other paths in each.
MODES = ("inference", "gradients", "training")
#: The modes of a model that nnshape accepts, at the first batch, the second and so on.
_IN_TURN = (("inference", "training"), ("gradients", "training"), ("inference", "training"))

#: What a layer says in training of a size that it takes in evaluation: the warning `fails-in-training`.
_IN_TRAINING = re.compile(r"Expected more than 1 (value per channel|spatial element) when training")

# torch documents an int here. A tuple of one runs as well, since torch.empty takes it for a shape and
# F.batch_norm never reads num_features.
_ONE_SIZE = re.compile(r"BatchNorm\dd takes a whole number as num_features, not \(\d+,\)")


@dataclass(frozen=True)
class Judgement:
    """What came of a mutation; `wrong` says in words where nnshape and torch disagree, and is empty where they agree.

    `verdict` is one of `runs`, `refused`, `unreadable` (no spec at all), `stricter`, `unmeetable` (the model
    requires what no batch is, which the proof says) and `refused for values` (torch refuses places that a tensor
    names, not sizes). `step` says whether the
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
        try:
            return Judgement("runs", _against(trace)) if _batches(trace) else Judgement("unmeetable")
        except Refused:
            return Judgement("refused for values")
    if "too-large" in kinds:
        return Judgement("stricter", kinds=kinds)
    told = _told(trace.errors)
    if all(_on_purpose(problem) for problem in trace.errors):
        return Judgement("stricter", kinds=kinds)
    runs_at, refusals = _refusals(trace)
    if len(runs_at) > 1:
        return Judgement("refused", f"nnshape: {told}\ntorch: runs with batches of {runs_at}", kinds)
    wrong = _at_another_line(trace, mutation, refusals)
    line = trace.errors[0].span.line if trace.errors[0].span else 0
    step = any(first <= line <= last for refused in refusals for first, last in refused.lines[:1])
    found = fixes(trace)
    runs = 0
    for fix in found:
        after = traced(edited(mutation.text, fix.edits))
        if len(after.errors) >= len(trace.errors) and fix.problem.severity == "error":
            wrong = wrong or f"the fix {fix.shown} leaves as many errors: {told}"
        against = ""
        if not after.errors:
            runs += 1
            with contextlib.suppress(Refused):
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


def _meets(trace: Trace, batch: int) -> bool:
    """Whether a batch meets what the model requires of it."""
    try:
        return all(needed.constraint.holds({"N": batch}) is not False for needed in trace.requirements)
    except TooLarge:  # a size grows with a power of the batch
        return False


def _batches(trace: Trace) -> list[int]:
    """Three batches that meet what the model requires; none where it requires what cannot be."""
    return [batch for batch in (2, 3, 5, 4, *range(6, 4097), 1) if _meets(trace, batch)][:3]


def _refusals(trace: Trace) -> tuple[list[int], list[Refused]]:
    """The batches at which torch runs the same parameters in every mode, and what it has against the others."""
    runs: list[int] = []
    parameters = None
    found: list[Refused] = []
    for batch in BATCHES:
        before = len(found)
        for mode in MODES:
            try:
                ran = _run(trace.spec, batch, mode)
            except Refused as refused:
                found.append(refused)
                if batch != BATCHES[0]:
                    break
        if len(found) == before:
            parameters = parameters or ran.parameters
            if ran.parameters == parameters:
                runs.append(batch)
    return runs, found


def _against(trace: Trace) -> str:
    """What torch has against a model that nnshape has nothing against; empty where it runs to the same shapes.

    Raises Refused where torch refuses the values of a tensor.
    """
    meeting = _batches(trace)
    tried = list(zip(meeting, _IN_TURN, strict=False))
    if 1 not in meeting and _meets(trace, 1):
        tried.append((1, _IN_TURN[1]))
    for batch, modes in tried:
        for mode in modes:
            if wrong := _against_at(trace, batch, mode):
                return f"with a batch of {batch} in {mode}: {wrong}"
    for batch in BATCHES:
        if batch not in meeting and batch < meeting[-1] and _runs(trace, batch):
            return f"torch runs with a batch of {batch}, nnshape needs {'; '.join(map(str, trace.requirements))}"
    warned = any(problem.kind == "fails-in-training" for problem in trace.problems)
    if warned and all(_runs(trace, batch, "training") for batch in (1, *meeting)):
        return "torch runs in training, nnshape warns that it fails there"
    return ""


def _runs(trace: Trace, batch: int, *modes: str) -> bool:
    try:
        for mode in modes or MODES:
            _run(trace.spec, batch, mode)
    except Refused:
        return False
    return True


def _against_at(trace: Trace, batch: int, mode: str) -> str:
    try:
        ran = _run(trace.spec, batch, mode)
    except Refused as refused:
        warned = any(problem.kind == "fails-in-training" for problem in trace.problems)
        if mode == "training" and warned and _IN_TRAINING.search(str(refused)):
            return ""
        if refused.by_value:
            raise
        return f"nnshape: fine\ntorch: {refused}"
    for call in trace.root.children:
        if call.name in ran.steps and (wrong := _differs(call.output, ran.steps[call.name], batch)):
            return f"{call.name}: {wrong}"
    wrong = _differs(trace.output, ran.output, batch)
    return f"the output: {wrong}" if wrong else ""


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
    """Whether no error is reported at the step that torch stopped in, nor at the mutation.

    Where only the sizes of parameters tell the batches apart, torch stops nowhere.
    """
    lines = {problem.span.line for problem in trace.errors if problem.span}
    lines |= {frame.span.line for problem in trace.errors for frame in problem.frames}
    # At this batch torch may stop where the model requires another one.
    lines |= {requirement.span.line for requirement in trace.requirements}
    around = [*(place for refused in refusals for place in refused.lines), *((line, line) for line in mutation.lines)]
    if not refusals or any(first <= line <= last for line in lines for first, last in around):
        return ""
    return f"nnshape: {_told(trace.errors)}\ntorch, in lines {refusals[0].lines}: {refusals[0]}"
