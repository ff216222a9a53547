"""Reads YAML text into a `Spec`: nothing evaluated, and a span on every value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.files import base_folder, folder_of_file
from nnshape.spec.nodes import (
    Binary,
    Boolean,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    FString,
    Generator,
    Keyword,
    List,
    Name,
    Node,
    Slice,
    Starred,
    Subscript,
    Tuple,
    Unary,
    Word,
)
from nnshape.spec.reader import read_spec
from nnshape.spec.settings import Setting, setting_of
from nnshape.spec.shape_patterns import ShapePattern, parse_shape
from nnshape.spec.source import TEXT, Source, Span, read_source, source_of_text
from nnshape.spec.source_map import SourceMap
from nnshape.spec.spec import (
    Block,
    BlockInput,
    BlockParameter,
    Body,
    Expectation,
    Import,
    Include,
    Input,
    Located,
    Output,
    Spec,
    Step,
    Tie,
    Variant,
)
from nnshape.spec.yaml_tree import parse_document

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = [
    "Binary",
    "Block",
    "BlockInput",
    "BlockParameter",
    "Body",
    "Boolean",
    "Compare",
    "Comprehension",
    "Conditional",
    "Constant",
    "Expectation",
    "Expression",
    "FString",
    "Generator",
    "Import",
    "Include",
    "Input",
    "Keyword",
    "List",
    "Located",
    "Name",
    "Node",
    "Output",
    "Setting",
    "ShapePattern",
    "Slice",
    "Source",
    "SourceMap",
    "Span",
    "Spec",
    "Starred",
    "Step",
    "Subscript",
    "Tie",
    "Tuple",
    "Unary",
    "Variant",
    "Word",
    "load",
    "loads",
    "parse_expression",
    "parse_shape",
    "parse_value",
    "read_source",
    "source_of_text",
]


def load(path: str | Path) -> Spec:
    """Read the spec in a file, or on standard input for `-`.

    Raises SpecError if the file cannot be read or is not a YAML mapping. Other problems are in `Spec.problems`.
    """
    source = read_source(path)
    return read_spec(source, None if str(path) == "-" else folder_of_file(path))


def loads(text: str, name: str = TEXT, folder: str | Path | None = None) -> Spec:
    """Read the spec in a YAML text; `name` stands for its file in messages.

    `folder` is the folder of its includes; without it, includes are refused. Raises SpecError if the text is
    not a YAML mapping. Other problems are in `Spec.problems`.
    """
    source = source_of_text(text, name)
    return read_spec(source, None if folder is None else base_folder(folder))


def parse_value(text: str, name: str = "<value>", hparams: Collection[str] = ()) -> Located[Setting]:
    """Parse a value of an hparam in YAML, such as an option's `[3, 4, 6, 3]` or `4 * width`. Raises SpecError.

    `hparams` are the names that an expression may use.
    """
    source = source_of_text(text, name)
    node, problems = parse_document(source)
    if problems:
        raise SpecError(*problems)
    if node is None:
        return Located(None, Span(source, 0, 0))
    try:
        return Located(setting_of(node, hparams), node.span)
    except RecursionError:  # pragma: no cover - the depth limit comes first
        raise SpecError(Problem("too-large", "this value nests too deeply", node.span)) from None
