"""The entry point: runs a command, and turns whatever happens into an answer and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nnshape.problems import SpecError

#: Every command, in the order of the help: `nnshape/cli/NAME.py` holds a function of that name.
COMMANDS = ("inspect", "params", "check", "layer", "explain", "schema")

PROBLEMS, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


class Commands(click.Group):
    """The commands; a module is imported only when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"nnshape.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; a word that is none gets the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from nnshape.problems.nearest import nearest_name

            near = nearest_name(args[0], COMMANDS)
            ctx.fail(f"No such command '{args[0]}'." + (f" Did you mean {near}?" if near else ""))
        return super().resolve_command(ctx, args)


def _show_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from nnshape import __version__

        click.echo(f"nnshape {__version__}")
        context.exit()


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
@click.pass_context
def nnshape(context: click.Context) -> None:
    """Say what every layer of a model does to the tensor's shape, and prove it with PyTorch.

    \b
    Examples:
      nnshape inspect configs/lenet.yaml
      nnshape params configs/lenet.yaml --layer fc1
      nnshape layer "Conv2d(1, 6, 5)" 1x32x32
      nnshape explain Conv2d
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; the exit code is 0, 1 for a wrong model, 2 for wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has gone. Without this, Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("NNSHAPE_TRACEBACK"):
            raise
        return _system(error) if isinstance(error, OSError) else _unexpected(error)


def _run(arguments: list[str]) -> int:
    from nnshape.problems import SpecError

    try:
        code = nnshape.main(args=arguments, prog_name="nnshape", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SpecError as error:
        return _refused(error, arguments)
    except click.ClickException as error:
        return _misused(error)


def _misused(error: click.ClickException) -> int:
    """Show what is wrong with the command; what it quotes may be a file's, such as the names of its steps."""
    from io import StringIO

    from nnshape.cli.writing import write_error

    text = StringIO()
    error.show(text)
    write_error([[(line, "")] for line in text.getvalue().removesuffix("\n").split("\n")])
    return USAGE


def _refused(error: SpecError, arguments: list[str]) -> int:
    """Show why there is no model to speak of; as JSON on standard output where JSON was asked for."""
    from nnshape.cli.tracing import is_usage
    from nnshape.cli.writing import write, write_error
    from nnshape.rendering.problems import problems_lines

    usage = is_usage(error)
    if not usage and _wants_json(arguments):
        from nnshape.rendering.json import failure_json

        write(failure_json(error.problems))
    else:
        write_error(problems_lines(error.problems, 100))
    return USAGE if usage else PROBLEMS


def _wants_json(arguments: list[str]) -> bool:
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _system(error: OSError) -> int:
    """Show what the system refused, such as a full disk: no fault of the model and none of nnshape."""
    from nnshape.cli.writing import write

    write(f"nnshape: {error.strerror or error}\n", sys.stderr)
    return USAGE


def _unexpected(error: Exception) -> int:
    from nnshape.cli.writing import write

    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    text = f"nnshape: internal error: {what}\n"
    text += "This is a bug: please report it; NNSHAPE_TRACEBACK=1 shows where it comes from.\n"
    write(text, sys.stderr)
    return USAGE
