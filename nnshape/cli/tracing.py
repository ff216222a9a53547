"""From a command's options to a trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nnshape.problems import Problem, SpecError
from nnshape.spec import Located, ShapePattern, Spec, parse_shape, parse_value
from nnshape.spec.scalars import Value
from nnshape.tracing import Trace


def traced(
    file: str,
    inputs: Sequence[str] | None = None,
    settings: Sequence[str] | None = None,
    variant: str | None = None,
    symbolic: bool = False,
    allow_import: Sequence[str] | None = None,
) -> Trace:
    """The trace of a file with the values that the command line gives; raises SpecError."""
    import nnshape

    overrides = overrides_of(settings)
    spec = nnshape.load(file)
    return nnshape.trace(
        spec,
        input=inputs_of(spec, inputs),
        overrides=overrides,
        variant=variant,
        symbolic=symbolic,
        allow_import=allow_import or (),
    )


def inputs_of(spec: Spec, inputs: Sequence[str] | None) -> dict[str, ShapePattern]:
    """The shapes that `--input` gives, by name; raises SpecError."""
    from nnshape.tracing.starting_values import named_inputs

    try:
        given = named_inputs(spec, inputs or ())
        return {name: parse_shape(str(text), "--input") for name, text in given.items()}
    except SpecError as error:
        raise error.of_argument("input") from None


def overrides_of(settings: Sequence[str] | None) -> dict[str, Located[Value]]:
    """The values that `--set` gives, by name; raises SpecError where one is not NAME=VALUE."""
    return dict(map(_setting, settings or ()))


def _setting(text: str) -> tuple[str, Located[Value]]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        message = f"a setting is written NAME=VALUE, not {text}"
        raise SpecError(Problem("syntax", message, argument="overrides", help=("--set depth=24",)))
    try:
        return name.strip(), parse_value(value.strip(), "--set")
    except SpecError as error:
        raise error.of_argument("overrides") from None


def exit_code(errors: Iterable[Problem]) -> int:
    """0 where there are no errors, 2 where one of them is nnshape's own mistake, else 1."""
    kinds = {problem.kind for problem in errors}
    return 2 if "internal-error" in kinds else int(bool(kinds))


def is_usage(error: SpecError) -> bool:
    """Say whether it is the command line that is wrong, and not the file that it names."""
    from nnshape.calculator.typed_inputs import WrongUse

    return isinstance(error, WrongUse) or any(_on_command_line(problem) for problem in error.problems)


def _on_command_line(problem: Problem) -> bool:
    no_spec = problem.kind in ("unreadable", "unwritable", "unavailable-device", "import-refused")
    return bool(problem.argument) or (no_spec and problem.span is None)
