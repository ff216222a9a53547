"""`nnshape layer`: the calculator for one layer or function."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnshape.cli import options

if TYPE_CHECKING:
    from nnshape.problems import Problem
    from nnshape.rendering.layer_report import Sample
    from nnshape.tracing import Trace


def layer(
    step: options.Expression,
    shapes: options.Shapes = None,
    inputs: options.NamedShapes = None,
    settings: options.Sizes = None,
    values: options.LayerValues = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    output_format: options.PlainFormat = "table",
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
) -> int:
    """Compute the output shape, parameters and MACs of one layer or function, and show the arithmetic.

    Give one SHAPE per input, in the order of the call or by name. 3x224x224 is the shape of a sample,
    [T, 6] a complete shape, int64[N] a shape with a dtype; a name such as H is a symbolic size.
    --values runs the layer on the CPU, unless --device names another device.

    \b
    Examples:
      nnshape layer "Conv2d(1, 6, 5)" 1x32x32
      nnshape layer "Conv2d(1, 6, 5)" 1xHxW
      nnshape layer "CrossEntropyLoss()" 10 "int64[N]"
      nnshape layer "einsum('nij,njk->nik', a, b)" "a=[N, 3, 4]" "b=[N, 4, 5]"
    """
    import nnshape
    from nnshape.calculator.one_step import one_step
    from nnshape.cli.caching import opened_proofs
    from nnshape.cli.proof import proof_lines, proved
    from nnshape.cli.tracing import overrides_of
    from nnshape.cli.writing import output, write
    from nnshape.proofs.device_names import NONE, checked_name
    from nnshape.rendering.layer_report import layer_json, layer_lines
    from nnshape.rendering.problems import problems_lines

    device = checked_name(device)
    trace = nnshape.trace(one_step(step, [*(shapes or ()), *(inputs or ())]), overrides=overrides_of(settings))
    if trace.problems:
        trace = replace(trace, problems=_with_fixes(trace))
    if not trace.calls:
        # The result is a number, such as a size: there is nothing to build.
        values, device = False, "none"
    if values:
        device = _device_of_values(device)
    cache = None
    if device != NONE and not no_cache:
        given = {"step": step, "shapes": shapes, "input": inputs, "set": settings}
        cache = opened_proofs(cache_dir, os.curdir, given)
    if output_format == "json":
        verification = proved(trace, device, cache)
        sample = _sample(trace, device, seed) if values and not trace.errors else None
        write(layer_json(trace, verification, sample), "json")
        return _code(trace, verification)
    out = output(columns, color)
    if trace.errors:
        out.write(problems_lines(trace.problems, out.width))
        return 1
    # Show the answer before importing torch.
    out.write(layer_lines(trace, out.width))
    if trace.problems:
        out.write([(), *problems_lines(trace.problems, out.width)])
    if values:
        from nnshape.rendering.layer_report import sample_lines

        out.write([(), *sample_lines(_sample(trace, device, seed))])
    verification = proved(trace, device, cache)
    if verification is not None and verification.disagreements:
        out.write([(), *problems_lines(verification.disagreements, out.width)])
    last = proof_lines(trace, device, verification)
    if last:
        out.write([(), *last])
    return _code(trace, verification)


def _code(trace: Trace, verification: Any) -> int:
    from nnshape.cli.tracing import exit_code

    return exit_code((*trace.errors, *(verification.disagreements if verification is not None else ())))


def _with_fixes(trace: Trace) -> tuple[Problem, ...]:
    """The problems with their fixes, which omit the step's name, since the typed step has none."""
    from nnshape.calculator.one_step import is_named
    from nnshape.fixes import explained

    problems = explained(trace)
    if is_named(trace.spec):
        return problems
    name = f"{trace.spec.name}: "

    def unnamed(problem: Problem) -> Problem:
        fixes = tuple(replace(fix, shown=fix.shown.removeprefix(name)) for fix in problem.fixes)
        return replace(problem, fixes=fixes)

    return tuple(map(unnamed, problems))


def _device_of_values(device: str) -> str:
    """The device to run the layer on; the CPU by default."""
    if device == "none":
        from nnshape.problems import Problem, SpecError

        message = "--values runs the real layer, and --device none skips it"
        raise SpecError(Problem("unavailable-device", message, argument="device", help=("--device cpu",)))
    return "cpu" if device in ("auto", "meta") else device


def _sample(trace: Trace, device: str, seed: int) -> Sample:
    """The numbers of the real layer in each mode; raises SpecError."""
    from nnshape.calculator.one_step import step_of
    from nnshape.cli.real_values import values_of
    from nnshape.modules.sample_run import run_once
    from nnshape.rendering.layer_report import Sample, named_tensors

    run = run_once(trace, device, seed)
    inputs = {name: values_of(tensor.cpu()) for name, tensor in run.inputs.items()}
    names = [name for name, _ in named_tensors(step_of(trace).output)]
    outputs = {
        mode: {name: values_of(tensor.cpu()) for name, tensor in zip(names, _flat(output), strict=True)}
        for mode, output in run.outputs.items()
    }
    return Sample(seed, run.sizes, inputs, outputs)


def _flat(value: Any) -> list[Any]:
    """The real tensors of an output, in order."""
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in _flat(item)]
    return [value] if hasattr(value, "cpu") else []
