"""`nnshape params`: every parameter of a model, and its real values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.cli import options

if TYPE_CHECKING:
    from nnshape.rendering.tensor_values import Values
    from nnshape.tracing import ParameterRow, Trace


def params(
    file: options.File,
    inputs: options.Inputs = None,
    settings: options.Settings = None,
    variant: options.Variant = None,
    symbolic: options.Symbolic = False,
    allow_import: options.AllowImport = None,
    layer: options.LayerPath = None,
    values: options.ParameterValues = False,
    seed: options.Seed = 0,
    device: options.ValuesDevice = "cpu",
    output_format: options.ParamsFormat = "table",
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
) -> int:
    """List every parameter and buffer with its name, shape, dtype and count.

    With --values, nnshape builds the model and shows a corner of each tensor as torch prints it.
    --format json then holds all values of each tensor of up to 10,000 elements.

    \b
    Examples:
      nnshape params configs/lenet.yaml
      nnshape params configs/gpt2.yaml --layer h.0.attn
      nnshape params configs/lenet.yaml --layer conv1 --values --seed 1
    """
    from nnshape.cli.tracing import exit_code, traced
    from nnshape.cli.writing import output, write, write_error
    from nnshape.rendering import parameters
    from nnshape.rendering.formats import View, format_of
    from nnshape.rendering.problems import problem_count, problems_lines

    if values:
        _check_device(device)
    trace = traced(file, inputs, settings, variant, symbolic, allow_import)
    rows = trace.parameters if layer is None else _of_layer(trace, layer)
    tensors = _values(trace, rows, device, seed) if values and not trace.errors else None
    selection = parameters.Selection(trace, rows, layer, tensors)
    if output_format == "table":
        out = output(columns, color)
        out.write(parameters.parameter_lines(selection, out.width))
        if trace.problems:
            out.write([(), *problems_lines(trace.problems, out.width)])
        if values and trace.errors:
            out.write([(), [(f"not built: the model has {problem_count(trace.errors)}", "dim")]])
        return 1 if trace.errors else 0
    form = format_of("params", output_format)
    write(form.render(selection, View()), form.language)
    if not form.complete:
        write_error(problems_lines(trace.problems, 100))
    return exit_code(trace.errors)


def _check_device(device: str) -> None:
    from nnshape.cli.proof import checked_device
    from nnshape.problems import Problem, SpecError

    checked_device(device)
    if device in ("meta", "none"):
        message = f"--values needs a device that holds values, and {device} holds none"
        raise SpecError(Problem("unavailable-device", message, argument="device", help=("--device cpu",)))


def _of_layer(trace: Trace, layer: str) -> tuple[ParameterRow, ...]:
    """The parameters below a path; raises SpecError where the model has no such path."""
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


def _values(trace: Trace, rows: tuple[ParameterRow, ...], device: str, seed: int) -> dict[str, Values]:
    """The values of each row's tensor in a model built on the device; raises SpecError."""
    import nnshape
    from nnshape.cli.real_values import values_of

    model = nnshape.build(trace, device, seed=seed)
    tensors = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    return {row.name: values_of(tensors[row.name].detach().cpu()) for row in rows if row.name in tensors}
