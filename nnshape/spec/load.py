"""The ways in: a file, a text, and the values of command-line options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.spec.document import parse_document
from nnshape.spec.files import base_folder, folder_of_file
from nnshape.spec.reader import read_spec
from nnshape.spec.scalars import Value, value_of_node
from nnshape.spec.source import Span, read_source, source_of_text
from nnshape.spec.spec import Located, Spec

if TYPE_CHECKING:
    from pathlib import Path


def load(path: str | Path) -> Spec:
    """The spec in a file, or on standard input for `-`; raises SpecError where none can be read."""
    source = read_source(path)
    return read_spec(source, None if str(path) == "-" else folder_of_file(path))


def loads(text: str, name: str = "<text>", folder: str | Path | None = None) -> Spec:
    """The spec in a text; it may include files only where a `folder` is given. Raises SpecError."""
    source = source_of_text(text, name)
    return read_spec(source, None if folder is None else base_folder(folder))


def parse_value(text: str, name: str = "<value>") -> Located[Value]:
    """A number, word or list as YAML writes them, such as an option's `[3, 4, 6, 3]`; raises SpecError."""
    source = source_of_text(text, name)
    node, problems = parse_document(source)
    if problems:
        raise SpecError(*problems)
    if node is None:
        return Located(None, Span(source, 0, 0))
    try:
        return Located(value_of_node(node), node.span)
    except RecursionError:  # pragma: no cover - the depth limit comes first
        raise SpecError(Problem("too-large", "this value nests too deeply", node.span)) from None
