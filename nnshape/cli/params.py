"""`nnshape params`: every parameter of a model, and its real values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnshape.cli import options

if TYPE_CHECKING:
    from nnshape.modules.held import Held
    from nnshape.rendering.parameters import Selection
    from nnshape.tracing import ParameterRow, Trace


def params(
    file: options.File,
    inputs: options.Inputs = None,
    settings: options.Settings = None,
    variant: options.Variant = None,
    symbolic: options.Symbolic = False,
    dtype: options.Dtype = None,
    allow_import: options.AllowImport = None,
    layer: options.LayerPath = None,
    values: options.ParameterValues = False,
    seed: options.Seed = 0,
    device: options.BuildDevice = None,
    output_format: options.ParamsFormat = "table",
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
) -> int:
    """List every parameter and buffer with its name, shape, dtype and count.

    With --device, nnshape builds the model there and lists the parameters of the real modules; the command
    fails if they differ from the file. With --values, it also shows a corner of each tensor as torch
    prints it. --format json then holds all values of each tensor of up to 10,000 elements.

    \b
    Examples:
      nnshape params configs/lenet.yaml
      nnshape params configs/gpt2.yaml --layer transformer.h.0.attn
      nnshape params configs/lenet.yaml --device cuda
      nnshape params configs/lenet.yaml --layer conv1 --values --seed 1
    """
    from nnshape.cli.tracing import exit_code, traced
    from nnshape.cli.writing import output, write, write_error
    from nnshape.rendering import parameters
    from nnshape.rendering.formats import View, format_of
    from nnshape.rendering.problems import problem_count, problems_lines

    place = _device_of(device, values)
    trace = traced(file, inputs, settings, variant, symbolic, allow_import, dtype)
    rows = trace.parameters if layer is None else _of_layer(trace, layer)
    selection = parameters.Selection(trace, rows, layer)
    if place is not None:
        # A device that is not there is refused, whatever is wrong with the model.
        held = _held(trace, place, seed)
        if held is not None:
            selection = _of_real_modules(selection, held, values)
    problems = selection.problems
    errors = [problem for problem in problems if problem.severity == "error"]
    if output_format == "table":
        out = output(columns, color)
        out.write(parameters.parameter_lines(selection, out.width, room=out.table_width))
        if problems:
            out.write([(), *problems_lines(problems, out.width)])
        if place is not None:
            built = parameters.built_line(selection)
            out.write([(), built or [(f"not built: the model has {problem_count(trace.errors)}", "dim")]])
        return exit_code(errors)
    form = format_of("params", output_format)
    write(form.render(selection, View()), form.language)
    if not form.complete:
        write_error(problems_lines(problems, 100))
    return exit_code(errors)


def _device_of(device: str | None, values: bool) -> str | None:
    """The device to build the model on; None if only the file is read. Raises SpecError."""
    from nnshape.problems import Problem, SpecError
    from nnshape.proofs.device_names import AUTO, NONE, checked_name

    name = (AUTO if values else NONE) if device is None else checked_name(device)
    if name == AUTO:
        return "cpu"
    if values and name in ("meta", NONE):
        message = f"--values needs a device that holds values, and {name} holds none"
        raise SpecError(Problem("unavailable-device", message, argument="device", help=("--device cpu",)))
    return None if name == NONE else name


def _held(trace: Trace, device: str, seed: int) -> Held | None:
    """The real modules on the device, None where the model has errors; raises SpecError."""
    from nnshape.cli.proof import real_modules

    real_modules().available_device(device)
    if trace.errors:
        return None
    from nnshape.modules.held import held

    return held(trace, device, seed)


def _of_real_modules(selection: Selection, held: Held, values: bool) -> Selection:
    """The rows of a selection as the real modules have them."""
    from nnshape.cli.real_values import values_of

    wanted = {row.name for row in selection.rows}
    rows = tuple(row for row in held.rows if row.name in wanted)
    tensors = {row.name: values_of(held.tensors[row.name].detach().cpu()) for row in rows} if values else None
    return replace(
        selection, rows=rows, values=tensors, device=held.device, torch=held.version, disagreements=held.disagreements
    )


def _of_layer(trace: Trace, layer: str) -> tuple[ParameterRow, ...]:
    """The parameters below a path. Raises SpecError if the model has no such path."""
    found = tuple(row for row in trace.parameters if row.name == layer or row.name.startswith(layer + "."))
    if found:
        return found
    paths = [call.path for call in trace.calls]
    if layer in paths:
        return ()
    from nnshape.problems import Problem, SpecError
    from nnshape.problems.nearest import nearest

    message = f"{trace.spec.name} has no layer {layer}"
    help = nearest(layer, [*paths, *(row.name for row in trace.parameters)])
    raise SpecError(Problem("unknown-name", message, argument="layer", help=help))
