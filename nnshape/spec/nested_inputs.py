"""Inputs that are lists or mappings of tensors: `images: [3x32x32, 3x64x64]`, `boxes: {a: [N, 4], b: [N, 2]}`.

Each tensor is an `Input` of its own, named as a step names it: `images[0]`, `boxes['a']`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from nnshape.problems import Problem, SpecError
from nnshape.spec.naming_rules import shortened
from nnshape.spec.shape_patterns import shape_of_node
from nnshape.spec.spec import Input
from nnshape.spec.yaml_tree import Mapping as YamlMapping
from nnshape.spec.yaml_tree import Node, Scalar, Sequence

V = TypeVar("V")

#: A shape of several sizes, or with brackets. In a list, 784 and T are sizes, and so is HxW: a name may hold an x.
SEVERAL_SIZES = r"\s*(?:[^\[]*\[.*\]|\d+x.*|\S+\s+x\s.*)\s*"
_SHAPE = re.compile(SEVERAL_SIZES, re.DOTALL)
#: The keys of a mapping that other formats describe one tensor with.
_OF_ONE_TENSOR = frozenset({"shape", "size", "dims", "dtype", "type"})


def is_nested(node: Node) -> bool:
    """Whether the value of an input is a list or mapping of shapes, and not one shape such as `[N, 3, H, W]`.

    A list of shapes begins with a list, a mapping or a text of several sizes. A single text in brackets, `[3x32x32]`,
    is more likely a shape that is written wrongly: a list of one tensor is `[[N, 3, 32, 32]]`.
    """
    if not isinstance(node, Sequence):
        return isinstance(node, YamlMapping)
    first = node.items[0] if node.items else None
    if isinstance(first, Scalar):
        return len(node.items) > 1 and _is_shape(first)
    return first is not None


def _is_shape(node: Scalar) -> bool:
    return _SHAPE.fullmatch(node.value) is not None


def nested_inputs(
    argument: str, node: Node, name_span: Any, report: Any, place: tuple[int | str, ...] = ()
) -> Iterator[Input]:
    """Yield an input for each tensor of the value of an argument. `report` takes the problems."""
    name = argument + "".join(f"[{part!r}]" for part in place)
    try:
        if not is_nested(node):
            yield Input(name, shape_of_node(node), node.span, name_span, argument, place)
            return
        items = list(_items(node, name))
    except SpecError as error:
        report(error.problems)
        yield Input(name, None, node.span, name_span, argument, place)
        return
    for key, item in items:
        yield from nested_inputs(argument, item, name_span, report, (*place, key))


def _items(node: Node, name: str) -> Iterator[tuple[int | str, Node]]:
    """Yield the items of a list or mapping of shapes. Raises SpecError."""
    assert isinstance(node, (YamlMapping, Sequence))
    if not node.items:
        raise SpecError(Problem("syntax", f"{name} holds no shape", node.span, help=("write {a: 1x32x32}",)))
    if isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar) and not _is_shape(item):
                text = shortened(item.value.strip())
                message = f"a list of shapes holds shapes, and {text or 'nothing'} is one size"
                help = (f"write [N, {text}] for a shape of that size",) if text else ()
                raise SpecError(Problem("syntax", message, item.span, help=help))
        yield from enumerate(node.items)
        return
    keys = [key.value for key, _ in node.items]
    if "shape" in keys and _OF_ONE_TENSOR.issuperset(keys):
        message = "a shape is expected here, not a mapping"
        raise SpecError(Problem("wrong-type", message, node.span, help=("write 1x32x32, or int64[N, T] with a dtype",)))
    yield from ((key.value, value) for key, value in node.items)


# ---- between the tensors and the arguments that hold them ----


def nested(inputs: Iterable[Input], values: Mapping[str, V]) -> dict[str, Any]:
    """Return the value of each argument, from those of its tensors by the names of the inputs."""
    found: dict[str, Any] = {}
    for item in inputs:
        holder: Any = found
        key: int | str = item.argument
        for part in item.place:
            if isinstance(holder, list) and key == len(holder):
                holder.append([] if isinstance(part, int) else {})
            elif isinstance(holder, dict) and key not in holder:
                holder[key] = [] if isinstance(part, int) else {}
            holder, key = holder[key], part
        if isinstance(holder, list):
            holder.append(values[item.name])
        else:
            holder[key] = values[item.name]
    return found


def part_of(item: Input, arguments: Mapping[str, Any]) -> Any:
    """Return the value of an input in the argument that holds it. Raises LookupError or TypeError if it has none."""
    value: Any = arguments[item.argument]
    part: Any
    for part in item.place:
        if not isinstance(value, (list, tuple) if isinstance(part, int) else dict):
            raise TypeError
        value = value[part]
    return value


def arguments_of(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """Return the inputs of the forward method: one for each argument, without a pattern if it holds several tensors."""
    found: dict[str, Input] = {}
    for item in inputs:
        whole = item if not item.place else Input(item.argument, None, item.span, item.name_span)
        found.setdefault(item.argument, whole)
    return tuple(found.values())
