"""The options that commands share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("table", "json", "markdown", "csv")
COLORS = ("auto", "always", "never")

file = click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
inputs = click.option(
    "--input", "inputs", multiple=True, metavar="[NAME=]SHAPE",
    help="An input's shape in place of the file's: 3x256x256, ids=int64[N, 16].",
)  # fmt: skip
settings = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE",
    help="The value of an hparam or of a size: depth=24, H=512.",
)  # fmt: skip


def _variants(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The variants of the file that was typed, for the shell's completion."""
    import nnshape

    # The line ends in an option without its value, so click leaves the file among the words not yet taken.
    for word in (context.params.get("file"), *context.args):
        try:
            names = nnshape.load(word).variants if word else {}
        except nnshape.SpecError:
            continue
        if names:
            return [name for name in names if name.startswith(incomplete)]
    return []


variant = click.option(
    "--variant", metavar="NAME", shell_complete=_variants, help="One of the file's own sets of values."
)
symbolic = click.option("--symbolic", is_flag=True, help="Keep sizes symbols, although dims gives them values.")
allow_import = click.option(
    "--allow-import", multiple=True, metavar="MODULE:CLASS",
    help="A Python class that the file may import; its code is run.",
)  # fmt: skip
depth = click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="How many levels of blocks to show; all by default."
)
fold = click.option(
    "--no-fold", "fold", flag_value=False, default=True, help="Give every repeated step a row of its own."
)


def formats(*names: str) -> Callable[[Command], Command]:
    """`--format`, with the forms that the command's answer has."""
    return click.option(
        "--format", "output_format", type=click.Choice(names), default=names[0], show_default=True,
        help="How the answer is written.",
    )  # fmt: skip


def output_file(what: str) -> Callable[[Command], Command]:
    """`--output-file`, where the command's answer goes, which is `what`."""
    return click.option("--output-file", metavar="FILE", help=f"Where the {what} goes, in place of standard output.")


output_format = formats(*FORMATS)
columns = click.option(
    "--columns", type=click.IntRange(min=40), metavar="N", help="The width of a table; the terminal's by default."
)
color = click.option(
    "--color", type=click.Choice(COLORS), default="auto", show_default=True,
    help="When to colour; auto is where a terminal shows it and NO_COLOR is not set.",
)  # fmt: skip


def fixing(command: Command) -> Command:
    """What is to be done with the fixes that are safe."""
    command = click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")(command)
    return click.option(
        "--fix", is_flag=True, help="Write the safe fixes to the file: arguments taken from what arrives."
    )(command)


def device(default: str, help: str) -> Callable[[Command], Command]:
    """`--device`, with what the command does there."""
    return click.option("--device", default=default, show_default=True, metavar="DEVICE", help=help)


def model(command: Command) -> Command:
    """What says which model it is: the file, and the values in place of its own."""
    for option in (allow_import, symbolic, variant, settings, inputs, file):
        command = option(command)
    return command


def plain_page(command: Command) -> Command:
    """What says how an answer looks that is a table or JSON."""
    for option in (color, columns, formats("table", "json")):
        command = option(command)
    return command


def page(command: Command) -> Command:
    """What says how the answer looks on a page."""
    for option in (color, columns, output_format):
        command = option(command)
    return command
