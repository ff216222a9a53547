"""The items of a ModuleDict or ParameterDict that are written as a dict, as the pairs that they are."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from nnshape.spec import nodes
from nnshape.spec.nodes import Generator, Node

#: The containers whose items have names.
NAMED_CONTAINERS = ("ModuleDict", "ParameterDict")


class Converter(Protocol):
    """Converts Python's syntax trees to nodes."""

    def place(self, tree: Any) -> tuple[int, int]:
        """The (start, end) of a tree, in characters of the text."""

    def node(self, tree: Any, depth: int) -> Node:
        """The node of a tree."""

    def generator(self, tree: ast.comprehension, depth: int) -> Generator:
        """The loop of a comprehension."""


def pairs_of_dict(convert: Converter, tree: Any, depth: int) -> Node | None:
    """The pairs of `{'a': x}`, `{name: x for …}`, `dict(a=x)` or `dict(pairs)`; None for any other argument."""
    if type(tree) is ast.Dict and None not in tree.keys:
        found = [_pair(convert, key, value, depth) for key, value in zip(tree.keys, tree.values, strict=True)]
        return nodes.List(tuple(found), *convert.place(tree))
    if type(tree) is ast.DictComp:
        generators = [convert.generator(generator, depth) for generator in tree.generators]
        element = _pair(convert, tree.key, tree.value, depth)
        return nodes.Comprehension(element, tuple(generators), True, *convert.place(tree))
    if type(tree) is not ast.Call or getattr(tree.func, "id", "") not in ("dict", "OrderedDict"):
        return None
    if not tree.args and all(keyword.arg is not None for keyword in tree.keywords):
        found = [_named(convert, keyword, depth) for keyword in tree.keywords]
        return nodes.List(tuple(found), *convert.place(tree))
    return convert.node(tree.args[0], depth) if len(tree.args) == 1 and not tree.keywords else None


def _pair(convert: Converter, key: Any, value: Any, depth: int) -> Node:
    items = (convert.node(key, depth), convert.node(value, depth))
    return nodes.Tuple(items, convert.place(key)[0], convert.place(value)[1])


def _named(convert: Converter, keyword: Any, depth: int) -> Node:
    start, end = convert.place(keyword)
    name = nodes.Constant(keyword.arg, start, start + len(keyword.arg))
    return nodes.Tuple((name, convert.node(keyword.value, depth)), start, end)
