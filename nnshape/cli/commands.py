"""The table of commands, and a typer group that imports a command only on use."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Every command with its line in the help, in that order. `nnshape/cli/NAME.py` holds a function NAME.
COMMANDS = {
    "inspect": "Show every layer's shape and parameter count, and prove them.",
    "params": "List every parameter and buffer.",
    "check": "Check spec files, and every variant in them.",
    "layer": "Compute the output of one layer or function.",
    "explain": "Explain a layer, a function, a kind of problem, a topic, or a step.",
    "schema": "Print the JSON Schema of a spec file.",
}
#: The command for a file without a command.
_DEFAULT = "inspect"


class Command(TyperCommand):
    """A command whose usage line names its arguments as the help does."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words after the command's name."""
        arguments = [param.metavar or "" for param in self.params if param.param_type_name == "argument"]
        return ["[OPTIONS]", *arguments]


class Commands(TyperGroup):
    """The commands of nnshape. A file in place of a command means `inspect`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        return command(cmd_name) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; with a file in place of a command, insert `inspect`."""
        return super().parse_args(ctx, [_DEFAULT, *args] if self._means_a_file(ctx, args) else args)

    def _means_a_file(self, ctx: Any, args: Sequence[str]) -> bool:
        if not args or args[0] in COMMANDS:
            return False
        if args[0] in {name for param in self.get_params(ctx) for name in param.opts}:
            return False
        words = args if args[0].startswith("-") and args[0] != "-" else args[:1]
        return any(_is_file(word) for word in words)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command in the arguments. An unknown one is a usage error that suggests the closest."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            if os.path.isdir(args[0]):
                ctx.fail(f"'{args[0]}' is a folder. To check the specs in it: nnshape check {args[0]}")
            from nnshape.problems.nearest import nearest_name

            near = nearest_name(args[0], COMMANDS)
            ctx.fail(f"No such command or file '{args[0]}'." + (f" Did you mean {near}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with their lines, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _is_file(word: str) -> bool:
    """Whether a word is `-`, an existing file, or has the suffix of a spec."""
    from nnshape.spec.files import SUFFIXES

    return word == "-" or word.endswith(SUFFIXES) or os.path.isfile(word)


@cache
def command(name: str) -> Any:
    """The command of a name, from the function of that name."""
    function: Callable[..., int] = getattr(import_module(f"nnshape.cli.{name}"), name)
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=Command, short_help=COMMANDS[name])(function)
    return get_command(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from nnshape import __version__

        typer.echo(f"nnshape {__version__}")
        raise typer.Exit


def nnshape(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Show the shape of every tensor in a PyTorch model, and prove it on the real modules.

    nnshape FILE is short for nnshape inspect FILE.

    \b
    Examples:
      nnshape configs/lenet.yaml
      nnshape params configs/lenet.yaml --layer fc1
      nnshape layer "Conv2d(1, 6, 5)" 1x32x32
      nnshape explain Conv2d
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cache
def program() -> Any:
    """The whole command line."""
    app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
    app.callback(cls=Commands, invoke_without_command=True)(nnshape)
    return get_command(app)
