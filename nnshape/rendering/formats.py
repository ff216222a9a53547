"""The output formats, one line each; the options, the settings, the help and the commands read this table.

To add a format, write a function `render(answer, view)` in a file of its own, and add its line to `FORMATS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass

if TYPE_CHECKING:
    from nnshape.rendering.visible import Language


@dataclass(frozen=True, slots=True)
class View:
    """The width of the output in columns, and the folder that paths are relative to."""

    width: int = 100
    root: str = "."


@dataclass(frozen=True, slots=True)
class Format:
    """One format of one command's answer.

    `renderer` is a module of this package and a function in it, imported when it is used; a command writes its
    table part by part. `language` says how the answer is escaped; an answer in `lines` is painted. `root`
    is the environment variable that holds the folder that paths are relative to. An answer that is not `complete`
    leaves something for standard error: the last line of a check, or the problems of a model.
    """

    command: str
    name: str
    renderer: str
    language: Language
    root: str = ""
    complete: bool = False

    def render(self, answer: Any, view: View) -> Any:
        """The answer as text, or as styled lines if that is its language."""
        module, _, function = self.renderer.partition(":")
        return getattr(import_module(f"nnshape.rendering.{module}"), function)(answer, view)


#: The first format of a command is its default.
FORMATS = (
    Format("check", "full", "checks.full:render", "lines", complete=True),
    Format("check", "concise", "checks.concise:render", "lines", complete=True),
    Format("check", "json", "checks.json:render", "json"),
    Format("check", "github", "checks.github:render", "commands", root="GITHUB_WORKSPACE"),
    Format("check", "gitlab", "checks.gitlab:render", "json", root="CI_PROJECT_DIR"),
    Format("check", "junit", "checks.junit:render", "xml"),
    Format("check", "sarif", "checks.sarif:render", "json", root="GITHUB_WORKSPACE"),
    Format("check", "rdjson", "checks.rdjson:render", "json"),
    Format("inspect", "table", "table:render", "lines", complete=True),
    Format("inspect", "json", "trace_json:render", "json", complete=True),
    Format("inspect", "markdown", "markdown:render", "text", complete=True),
    Format("inspect", "csv", "csv:render", "text"),
    Format("params", "table", "", "lines", complete=True),
    Format("params", "json", "parameters:render_json", "json", complete=True),
    Format("params", "markdown", "parameters:render_markdown", "text"),
    Format("params", "csv", "parameters:render_csv", "text"),
)


def format_names(command: str) -> tuple[str, ...]:
    """The names of a command's formats."""
    return tuple([form.name for form in FORMATS if form.command == command])


def format_of(command: str, name: str) -> Format:
    """The format of a name. Raises KeyError if the command has no such format."""
    for form in FORMATS:
        if (form.command, form.name) == (command, name):
            return form
    raise KeyError(name)


def rendered(command: str, name: str, answer: Any, view: View) -> str:
    """An answer in one of the command's formats, as text without colour. Raises KeyError for an unknown format."""
    from nnshape.rendering.styled import painted
    from nnshape.rendering.visible import ESCAPES, guarded

    form = format_of(command, name)
    output = form.render(answer, view)
    return painted(output, False) if form.language == "lines" else guarded(output, ESCAPES[form.language])
