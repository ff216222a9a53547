"""Traces a file with the options of a command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from nnshape.problems import Problem, SpecError
from nnshape.spec import Located, ShapePattern, Spec, parse_shape, parse_value
from nnshape.spec.settings import Setting
from nnshape.tracing import Trace


def traced(
    file: str,
    inputs: Sequence[str] | None = None,
    settings: Sequence[str] | None = None,
    variant: str | None = None,
    symbolic: bool = False,
    allow_import: Sequence[str] | None = None,
    dtype: str | None = None,
) -> Trace:
    """The trace of a file with the values from the command line. Raises SpecError."""
    import nnshape

    spec = nnshape.load(file)
    overrides = overrides_of(settings, spec.hparams)
    return nnshape.trace(
        spec,
        input=inputs_of(spec, inputs),
        overrides=overrides,
        variant=variant,
        symbolic=symbolic,
        dtype=dtype,
        allow_import=allow_import or (),
    )


def inputs_of(spec: Spec, inputs: Sequence[str] | None) -> dict[str, ShapePattern]:
    """The shapes of `--input`, by name. Raises SpecError."""
    from nnshape.tracing.starting_values import named_inputs

    try:
        given = named_inputs(spec, inputs or ())
        return {name: parse_shape(str(text), "--input") for name, text in given.items()}
    except SpecError as error:
        raise error.of_argument("input") from None


def overrides_of(settings: Sequence[str] | None, hparams: Collection[str] = ()) -> dict[str, Located[Setting]]:
    """The values of `--set`, by name. Raises SpecError if one is not NAME=VALUE."""
    return dict(_setting(text, hparams) for text in settings or ())


def _setting(text: str, hparams: Collection[str]) -> tuple[str, Located[Setting]]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        message = f"a setting is written NAME=VALUE, not {text}"
        raise SpecError(Problem("syntax", message, argument="overrides", help=("--set depth=24",)))
    try:
        return name.strip(), parse_value(value.strip(), "--set", hparams)
    except SpecError as error:
        raise error.of_argument("overrides") from None


def exit_code(errors: Iterable[Problem]) -> int:
    """The exit code: 0 without errors, 2 if one is nnshape's own mistake, otherwise 1."""
    kinds = {problem.kind for problem in errors}
    return 2 if "internal-error" in kinds else int(bool(kinds))


def is_usage(error: SpecError) -> bool:
    """Whether the command line is wrong, not the file."""
    from nnshape.calculator.typed_inputs import WrongUse

    return isinstance(error, WrongUse) or any(_on_command_line(problem) for problem in error.problems)


def _on_command_line(problem: Problem) -> bool:
    no_spec = problem.kind in ("unreadable", "unwritable", "unavailable-device", "import-refused")
    return bool(problem.argument) or (no_spec and problem.span is None)
