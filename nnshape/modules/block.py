"""The module of a block: an fx GraphModule with the name of the block and its steps as children, in order."""

from __future__ import annotations

import copy
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from nnshape.modules.targets import function_at, path_of

#: Attributes that a graph module derives from its graph, which are not copied or pickled.
_DERIVED = ("_graph", "_code", "_lineno_map", "_prologue_start")


class BlockModule(GraphModule):
    """A graph module that keeps all of its children, in step order, when it is copied or pickled.

    A plain GraphModule keeps only the children that its graph uses, in order of use.
    """

    def __init__(self, graph: Graph, name: str, children: Mapping[str, Any]) -> None:
        super().__init__({}, Graph(), name)
        for key, child in children.items():
            if isinstance(child, torch.nn.Module):
                self.add_module(key, child)
            elif isinstance(child, torch.nn.Parameter):
                self.register_parameter(key, child)
            else:
                tensor, persistent = child
                self.register_buffer(key, tensor, persistent=persistent)
        self._graph = graph
        graph.owning_module = self

    def _write_code(self) -> None:
        """Generate the code of the forward method. Until then, only the graph can run."""
        self.__dict__["_is_written"] = True
        self.recompile()

    def recompile(self) -> Any:
        """Regenerate the code of the forward method, if it has been generated before."""
        if not self.__dict__.get("_is_written"):
            return None
        codes = _keywords_in(self._graph)
        if codes:
            self._graph.on_generate_code(lambda _: partial(_replaced, codes=codes))
        return super().recompile()

    def _recompile_submodules(self) -> list[Any]:
        # Nested blocks have their code already.
        return []

    def __str__(self) -> str:
        return torch.nn.Module.__repr__(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> BlockModule:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        new.__dict__.update(copy.deepcopy({k: v for k, v in self.__dict__.items() if k not in _DERIVED}, memo))
        return _adopted(new, type(self).__name__, _written(self.graph))

    def __copy__(self) -> BlockModule:
        new = type(self).__new__(type(self))
        new.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _DERIVED})
        for table in ("_modules", "_parameters", "_buffers"):
            new.__dict__[table] = dict(self.__dict__[table])
        return _adopted(new, type(self).__name__, _written(self.graph))

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in self.__dict__.items() if key not in _DERIVED}
        kind = SequentialBlock if isinstance(self, SequentialBlock) else BlockModule
        return _restored, (kind, type(self).__name__, _written(self.graph)), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if self.__dict__.get("_is_written"):
            self.graph = self._graph  # generates the code


class SequentialBlock(BlockModule):
    """A Sequential whose items take more than the running value. Indexing works as in `torch.nn.Sequential`."""

    def __getitem__(self, index: int) -> torch.nn.Module:
        return list(self.children())[index]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[torch.nn.Module]:
        return self.children()


def _attribute(target: str, is_word: Callable[[str], bool]) -> str:
    """Return the code of a child at a path: `self.conv`, or `getattr(self, "block1-0")` for one that is no word."""
    code = "self"
    for name in target.split("."):
        code = f"{code}.{name}" if is_word(name) else f'getattr({code}, "{name}")'
    return code


def _keywords_in(graph: Graph) -> dict[str, str]:
    """Return the code that fx writes for children with a keyword in their path, such as `self.in`, and the right code.

    Longer paths come first, so that none is replaced as a part of another.
    """
    targets = {str(node.target) for node in graph.nodes if node.op in ("call_module", "get_attr")}
    wrong = sorted((t for t in targets if any(map(keyword.iskeyword, t.split(".")))), key=len, reverse=True)
    return {
        _attribute(target, str.isidentifier): _attribute(
            target, lambda name: name.isidentifier() and not keyword.iskeyword(name)
        )
        for target in wrong
    }


def _replaced(lines: list[str], codes: dict[str, str]) -> list[str]:
    for wrong, right in codes.items():
        pattern = re.compile(re.escape(wrong) + r"(?!\w)")
        lines = [pattern.sub(lambda _, right=right: right, line) for line in lines]  # type: ignore[misc]
    return lines


def _adopted(module: BlockModule, name: str, nodes: list[tuple[Any, ...]]) -> BlockModule:
    """Set the name and graph of a module, and regenerate its code if it had any."""
    type(module).__name__ = name
    module.__dict__["_graph"] = graph = _read(nodes)
    graph.owning_module = module
    module.recompile()
    return module


def _restored(kind: type[BlockModule], name: str, nodes: list[tuple[Any, ...]]) -> BlockModule:
    module = kind.__new__(kind)
    return _adopted(module, name, nodes)


class _Ref(str):
    """A reference by name to a node, among the arguments of another."""

    __slots__ = ()


def _written(graph: Graph) -> list[tuple[Any, ...]]:
    """Serialize a graph to plain data."""
    return [
        (
            node.op,
            path_of(node.target) if callable(node.target) else node.target,
            _mapped(node.args),
            _mapped(node.kwargs),
            node.name,
        )
        for node in graph.nodes
    ]


def _mapped(arguments: Any) -> Any:
    """Return the arguments of a node with each node in them as a `_Ref`."""
    if isinstance(arguments, Node):
        return _Ref(arguments.name)
    if isinstance(arguments, (tuple, list)):
        items = (_mapped(item) for item in arguments)
        return list(items) if isinstance(arguments, list) else tuple(items)
    if isinstance(arguments, Mapping):
        return {key: _mapped(item) for key, item in arguments.items()}
    if isinstance(arguments, slice):
        return slice(_mapped(arguments.start), _mapped(arguments.stop), _mapped(arguments.step))
    return arguments


def _read(written: list[tuple[Any, ...]]) -> Graph:
    """Restore the graph that `_written` serialized."""
    graph = Graph()
    nodes: dict[str, Node] = {}
    for op, target, args, kwargs, name in written:
        called = function_at(target) if op == "call_function" else target
        nodes[name] = graph.create_node(op, called, _filled(args, nodes), _filled(kwargs, nodes), name)
    return graph


def _filled(arguments: Any, nodes: Mapping[str, Node]) -> Any:
    if isinstance(arguments, _Ref):
        return nodes[arguments]
    if isinstance(arguments, (tuple, list)):
        return type(arguments)(_filled(item, nodes) for item in arguments)
    if isinstance(arguments, dict):
        return {key: _filled(item, nodes) for key, item in arguments.items()}
    if isinstance(arguments, slice):
        return slice(_filled(arguments.start, nodes), _filled(arguments.stop, nodes), _filled(arguments.step, nodes))
    return arguments
