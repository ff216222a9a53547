"""`nnshape inspect`: the table of a model, then the proof of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnshape.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnshape.cli.writing import StandardOutput
    from nnshape.problems import Problem


def inspect(
    file: options.File,
    inputs: options.Inputs = None,
    settings: options.Settings = None,
    variant: options.Variant = None,
    symbolic: options.Symbolic = False,
    dtype: options.Dtype = None,
    allow_import: options.AllowImport = None,
    device: options.Device = "auto",
    depth: options.Depth = None,
    no_fold: options.NoFold = False,
    fix: options.Fix = False,
    diff: options.Diff = False,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    output_format: options.InspectFormat = "table",
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
) -> int:
    """Show the output shape and the parameter count of every layer.

    The table appears at once. nnshape then builds the real modules, runs them and compares them with
    the table; the last line gives the result and the mode. The proof is kept in the cache, so an
    unchanged file is not proved again. If the model has an error, nnshape suggests edits that it has
    verified by tracing the model again.

    \b
    Examples:
      nnshape inspect configs/lenet.yaml
      nnshape inspect configs/gpt2.yaml --variant xl --device none
      nnshape inspect configs/unet.yaml --set H=512 --format json
      nnshape inspect model.yaml --diff
    """
    from nnshape.cli.proof import proof_lines, proved
    from nnshape.cli.tracing import traced
    from nnshape.cli.writing import output, write, write_error, write_patch
    from nnshape.proofs.device_names import NONE, checked_name

    device = checked_name(device)
    cache = None
    if device != NONE and not no_cache:
        from nnshape.cli.caching import opened_proofs

        given = {"input": inputs, "set": settings, "variant": variant, "symbolic": symbolic, "dtype": dtype}
        cache = opened_proofs(cache_dir, file, given)
    trace = traced(file, inputs, settings, variant, symbolic, allow_import, dtype)
    if diff:
        from nnshape.cli.fixing import difference

        write_patch(difference(trace))
        return _code(trace, None)
    if fix:
        from nnshape.cli.fixing import fixed

        trace, told = fixed(trace)
        write_error(told)
    if trace.problems:
        from nnshape.fixes import explained

        trace = replace(trace, problems=explained(trace))
    verification = None
    if any(problem.kind == "mixes-samples" for problem in trace.problems):
        # The run may refute it, and the table marks the steps with warnings.
        verification = proved(trace, device, cache)
        trace = trace if verification is None else replace(trace, problems=verification.kept(trace.problems))
    shown = trace
    if trace.requirements:
        from nnshape.explain.simplified import with_simplified_sizes

        shown = with_simplified_sizes(trace)
    if output_format == "table":
        from nnshape.rendering.table import table_lines

        out = output(columns, color)
        out.write(table_lines(shown, out.width, room=out.table_width, depth=depth, fold=not no_fold))
        _write_problems(out, trace.problems)
        verification = verification or proved(trace, device, cache)
        if verification is not None:
            _write_problems(out, verification.disagreements)
        last = proof_lines(trace, device, verification)
        if last:
            out.write([(), *last])
        return _code(trace, verification)
    from nnshape.rendering.formats import View, format_of
    from nnshape.rendering.inspection import Inspection

    verification = verification or proved(trace, device, cache)
    proof = "".join(text for line in proof_lines(trace, device, verification) for text, _ in line)
    answer = Inspection(shown, verification, proof, depth, not no_fold)
    form = format_of("inspect", output_format)
    write(form.render(answer, View()), form.language)
    if not form.complete:
        from nnshape.rendering.problems import problems_lines

        write_error(problems_lines(answer.problems, 100))
    return _code(trace, verification)


def _write_problems(out: StandardOutput, problems: Sequence[Problem]) -> None:
    if problems:
        from nnshape.rendering.problems import problems_lines

        out.write([(), *problems_lines(problems, out.width)])


def _code(trace: Any, verification: Any) -> int:
    from nnshape.cli.tracing import exit_code

    return exit_code((*trace.errors, *(verification.disagreements if verification is not None else ())))
