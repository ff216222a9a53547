"""The functions of `import nnshape`: trace a spec, fix it, build its modules, verify them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnshape.explain import EXPLAINER
from nnshape.problems import Fix, Problem, SpecError
from nnshape.spec import Spec, load, loads
from nnshape.tracing import Measuring, Trace, trace_spec

if TYPE_CHECKING:
    import torch

    from nnshape.proofs.verification import Verification
    from nnshape.spec import ShapePattern
    from nnshape.tracing.measuring import Measure

__all__ = [
    "Problem", "Spec", "SpecError", "Trace", "build", "find_fixes", "load", "loads", "render", "trace", "verify",
]  # fmt: skip


def trace(
    spec: Spec | str | Path,
    *,
    input: str | Mapping[str, str | ShapePattern] | Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    variant: str | None = None,
    symbolic: bool = False,
    dtype: str | None = None,
    allow_import: Sequence[str] = (),
) -> Trace:
    """Trace a spec: infer the shape of every tensor, count parameters and MACs, and find problems.

    Arguments:
        spec: a Spec, the path of a file, or YAML text of several lines.
        input: the input shapes in place of the file's: `"1x28x28"` per sample, `"[N, 1, 28, 28]"` in full,
            a list of shapes, or a mapping from input names to shapes. A number in place of a symbol sets it.
        overrides: values for hparams and symbolic sizes, by name. Text is read as in the file: `"GELU"`, `"4 * width"`.
            `N` sets the batch of the shapes and MACs; the problems are still those of every batch.
        variant: the name of a variant of the file.
        symbolic: keep sizes symbolic even if `dims` gives them values.
        dtype: the dtype of the whole model in place of the file's, such as "bfloat16".
        allow_import: the Python classes that the file may import, as `"module.path:Class"`.

    Returns a Trace: `print(trace)` shows the table. A wrong model raises nothing; its `problems` say what is wrong.
    MACs are per sample, unless `overrides` sets N. Sizes in memory are bytes.

    Raises SpecError if the file cannot be read, is not a spec, or does not fit the arguments.

    Imports torch only for imported classes and for layers and functions without a rule, whose outputs are
    inferred by running torch.
    """
    return trace_spec(
        as_spec(spec),
        explainer=EXPLAINER,
        input=input,
        overrides=overrides,
        variant=variant,
        symbolic=symbolic,
        dtype=None if dtype is None else str(dtype),
        measuring=Measuring(frozenset(allow_import), functools.cache(lambda: _torch_measure())),
    )


def _torch_measure() -> Measure:
    from nnshape.modules import TorchMeasure

    return TorchMeasure()


def as_spec(spec: Spec | str | Path) -> Spec:
    """A Spec unchanged, or the spec in a text of several lines or at a path. Raises SpecError."""
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, str) and "\n" in spec:
        return loads(spec)
    return load(spec)


def find_fixes(trace: Trace) -> tuple[Fix, ...]:
    """Find edits of the spec that fix its problems: at most three per problem, the closest first.

    Each fix was verified by tracing the edited spec: it removes the problem and adds none. `fix.problem` is
    that problem, `fix.edits` are the edits (spans and new text), and `fix.safe` says whether they only set an
    argument of the failing layer to the size of its input.
    """
    from nnshape.fixes import fixes

    return fixes(trace)


def build(trace: Trace, device: str = "cpu", *, seed: int | None = None) -> torch.nn.Module:
    """Build the model of a trace as a `torch.nn.Module` on a device such as "cpu", "cuda:1" or "meta".

    Module names and `state_dict` keys are those of the spec. `seed` seeds the initialization of the parameters.
    Raises SpecError if the trace has errors, or if the device is not available.
    """
    from nnshape.modules import build

    return build(trace, device, seed=seed)


def verify(trace: Trace, device: str = "auto", modes: Sequence[str] = ("evaluation",)) -> Verification:
    """Build the model on a device, run it, and compare the shape and dtype of every call and parameter with the trace.

    The device "auto" is the CPU for a small model, and meta for any other. `modes` are "evaluation", and "training"
    if the model is also to run in it. The Verification counts the calls and parameters that agree, and lists
    disagreements and unproved calls. Raises SpecError if the trace has errors, the model cannot be built, or the
    device is not available, and ValueError for other modes.
    """
    from nnshape.proofs.modes import EVALUATION, TRAINING

    if tuple(modes) not in ((EVALUATION,), (EVALUATION, TRAINING)):
        raise ValueError(f"modes must be ({EVALUATION!r},) or ({EVALUATION!r}, {TRAINING!r}), not {modes!r}")
    from nnshape.modules import verify

    return verify(trace, device, modes)


def render(trace: Trace, format: str = "table", *, verification: Verification | None = None, width: int = 100) -> str:
    """Render a trace as `nnshape inspect` does: as "table", "json", "markdown" or "csv".

    `verification` adds the result of the proof. Problems include verified fixes. `width` is the width of a
    table in characters. Raises ValueError for an unknown format.
    """
    from nnshape.explain.simplified import with_simplified_sizes
    from nnshape.rendering.formats import View, format_names, rendered
    from nnshape.rendering.inspection import Inspection

    names = format_names("inspect")
    if format not in names:
        raise ValueError(f"{format!r} is not a format of a trace; the formats are {', '.join(names)}")
    sentence = "" if verification is None else verification.sentence
    if verification is not None:
        trace = replace(trace, problems=verification.kept(trace.problems))
    shown = with_simplified_sizes(_explained(trace))
    return rendered("inspect", format, Inspection(shown, verification, sentence), View(width))


def _explained(trace: Trace) -> Trace:
    """The trace, with fixes added to the help of its problems."""
    if not trace.problems:
        return trace
    from nnshape.fixes import explained

    return replace(trace, problems=explained(trace))


def _trace_text(trace: Trace) -> str:
    return render(trace).removesuffix("\n")


def _problem_text(problem: Problem) -> str:
    from nnshape.rendering.problems import problem_text

    return problem_text(problem)


def _trace_html(trace: Trace) -> str:
    from nnshape.rendering.notebook import trace_html

    return trace_html(_explained(trace))


# `print(trace)` and `str(problem)` show the text of the terminal.
Trace.text, Trace.html, Problem.text = _trace_text, _trace_html, _problem_text
