"""The entry point: runs a command, and turns every error into a message and an exit code."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnshape.problems import SpecError

PROBLEMS, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0, 1 for a wrong model, 2 for wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Skip Python's final search for cyclic garbage, a tenth of a run: the process frees all its memory anyway.
    atexit.register(gc.freeze)
    try:
        with _rare_collection():
            code = _run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has closed the pipe. Without this, Python would report it again when closing the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("NNSHAPE_TRACEBACK"):
            raise
        return _system(error) if isinstance(error, OSError) else _unexpected(error)


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Collect cyclic garbage rarely: imports create none, and collecting during them takes 8% of the start-up."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _run(arguments: list[str]) -> int:
    import typer

    from nnshape.cli.commands import program
    from nnshape.cli.usage import UsageError
    from nnshape.problems import SpecError

    try:
        code = program().main(args=arguments, prog_name="nnshape", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SpecError as error:
        return _refused(error, arguments)
    except UsageError as error:
        return _misused(error)
    except typer.Abort:
        return INTERRUPTED


def _misused(error: Any) -> int:
    """Show a usage error. It may quote text from a file, such as the names of steps."""
    from io import StringIO

    from nnshape.cli.writing import write_error

    text = StringIO()
    error.show(text)
    write_error([[(line, "")] for line in text.getvalue().removesuffix("\n").split("\n")])
    return USAGE


def _refused(error: SpecError, arguments: list[str]) -> int:
    """Show the problems of a SpecError; as JSON on standard output for --format json."""
    from nnshape.cli.argument_names import in_options
    from nnshape.cli.tracing import exit_code, is_usage
    from nnshape.cli.writing import write, write_error
    from nnshape.rendering.problems import problems_lines

    usage = is_usage(error)
    problems = tuple(map(in_options, error.problems))
    if not usage and _wants_json(arguments):
        from nnshape.rendering.trace_json import failure_json

        write(failure_json(problems), "json")
    else:
        write_error(problems_lines(problems, 100))
    return USAGE if usage else exit_code(problems)


def _wants_json(arguments: list[str]) -> bool:
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _system(error: OSError) -> int:
    """Show an error of the system, such as a full disk, which is neither the model's nor nnshape's fault."""
    from nnshape.cli.writing import write

    write(f"nnshape: {error.strerror or error}\n", stream=sys.stderr)
    return USAGE


def _unexpected(error: Exception) -> int:
    from nnshape.cli.writing import write

    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    text = f"nnshape: internal error: {what}\n"
    text += "This is a bug: please report it; NNSHAPE_TRACEBACK=1 shows where it comes from.\n"
    write(text, stream=sys.stderr)
    return USAGE
