"""The functions of `import nnshape`: trace a spec, fix it, build its modules, verify them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnshape.explain import EXPLAINER
from nnshape.problems import Problem, SpecError
from nnshape.spec import Spec, load, loads
from nnshape.tracing import Measuring, Trace, trace_spec

if TYPE_CHECKING:
    import torch

    from nnshape.fixes import Fix
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
    allow_import: Sequence[str] = (),
) -> Trace:
    """Trace a spec, a path to one, or its text: every step's shape, and every problem.

    `input` replaces the shapes of the inputs (`"1x28x28"`, or by name), `overrides` the values of
    hparams and sizes, `variant` picks one of the file's own sets of them. With `symbolic`, sizes
    stay symbols although `dims` gives them values. `allow_import` names the Python classes that the
    file may import; torch is imported for these, and for a layer or function of torch that has no rule:
    both are measured. Raises SpecError where the text is no spec, or an option does not fit it; a
    model that is wrong is no exception but a trace with `problems`.
    """
    return trace_spec(
        as_spec(spec),
        explainer=EXPLAINER,
        input=input,
        overrides=overrides,
        variant=variant,
        symbolic=symbolic,
        measuring=Measuring(frozenset(allow_import), functools.cache(lambda: _torch_measure())),
    )


def _torch_measure() -> Measure:
    from nnshape.modules import TorchMeasure

    return TorchMeasure()


def as_spec(spec: Spec | str | Path) -> Spec:
    """The spec itself, or the one at this path; a text of several lines is taken as the spec's own text."""
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, str) and "\n" in spec:
        return loads(spec)
    return load(spec)


def find_fixes(trace: Trace) -> tuple[Fix, ...]:
    """Edits of the spec with which the model traces without one of its problems: at most three a problem.

    Each was tried, and brings no new problem; the nearest come first. `fix.problem` says which problem
    of the trace it is for, `fix.edits` what is written where, and `fix.safe` whether it only takes an
    argument of the failing layer from what arrives.
    """
    from nnshape.fixes import fixes

    return fixes(trace)


def build(trace: Trace, device: str = "cpu", *, seed: int | None = None) -> torch.nn.Module:
    """Build the real modules of a trace on a device; raises SpecError where the trace has errors."""
    from nnshape.modules import build

    return build(trace, device, seed=seed)


def verify(trace: Trace, device: str = "auto") -> Verification:
    """Build the model, run it, and hold every call and every parameter against the trace.

    The device `auto` is the CPU for a small model, and meta for any other.
    """
    from nnshape.modules import verify

    return verify(trace, device)


def render(trace: Trace, format: str = "table", *, verification: Verification | None = None, width: int = 100) -> str:
    """The text that `nnshape inspect` writes for a trace, in one of its formats: table, json, markdown or csv.

    With the `verification` of the trace, it includes the proof. Problems come with the fixes that nnshape
    has found. `width` is that of a table, in columns. Raises ValueError for an unknown format.
    """
    from nnshape.explain.simplified import with_simplified_sizes
    from nnshape.rendering.formats import View, format_names, rendered
    from nnshape.rendering.inspection import Inspection

    names = format_names("inspect")
    if format not in names:
        raise ValueError(f"{format!r} is not a format of a trace; the formats are {', '.join(names)}")
    sentence = "" if verification is None else verification.sentence
    shown = with_simplified_sizes(_explained(trace))
    return rendered("inspect", format, Inspection(shown, verification, sentence), View(width))


def _explained(trace: Trace) -> Trace:
    """The trace with the fixes among the help of its problems."""
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


# Whoever works in Python sees the same text as in the terminal.
Trace.text, Trace.html, Problem.text = _trace_text, _trace_html, _problem_text
