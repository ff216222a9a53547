"""Binds typed shapes to the inputs of an expression, and applies the layer or function to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nnshape.problems import Problem, SpecError
from nnshape.problems.nearest import nearest
from nnshape.records import dataclass
from nnshape.shapes.arguments import AUTO, Signature
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.spec import Expression, Input, ShapePattern, Span, nodes
from nnshape.tracing.measuring import declares_function
from nnshape.tracing.scope import MISSING, Namespace, Special, find_torch, is_layer_class


class WrongUse(SpecError):
    """The typed shapes do not match the step: one is missing, invalid or left over."""


@dataclass(frozen=True, slots=True)
class TypedShape:
    """A typed input: its optional name and its shape."""

    name: str | None
    pattern: ShapePattern
    span: Span


class Form:
    """Binds typed shapes to the inputs of one expression."""

    def __init__(self, parsed: Expression, given: Sequence[TypedShape]) -> None:
        self.whole = parsed.where()
        self.given = given
        self.node = parsed.node
        self.target = _target(parsed.node)
        is_bare = isinstance(parsed.node, nodes.Name) and declares_function(parsed.node.id)
        if is_bare or (isinstance(parsed.node, (nodes.Name, nodes.Attribute)) and self.target is not None):
            # A bare name is a call without arguments.
            self.node = nodes.Call(parsed.node, (), (), parsed.node.start, parsed.node.end)
        elif isinstance(parsed.node, nodes.Call):
            self.target = _target(parsed.node.function)
        else:
            self.target = None

    def applied(self) -> tuple[nodes.Node, tuple[Input, ...]]:
        """Return the expression applied to its inputs, and the inputs. Raises WrongUse if they do not match."""
        node, target = self.node, self.target
        assert target is None or isinstance(node, nodes.Call)
        if is_layer_class(target) or isinstance(target, Special):
            self.require_inputs()
            signature = target.call_signature() if isinstance(target, type) else None
            return self.call(node, (), (), signature)
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name) and self.is_unknown(node.function.id):
            return self.without_rule(node)
        if isinstance(node, nodes.Name) and isinstance(find_torch(node.id), (Namespace, type(AUTO))):
            raise WrongUse(Problem("unknown-layer", f"{node.id} is not a layer or function", self.whole))
        names = self.tensor_names()
        if names:
            return node, self.named(names)
        if isinstance(target, Function) and isinstance(node, nodes.Call) and not _mentions(node, "_"):
            if target.factory:
                self.refuse_inputs(f"{target.name} creates a tensor from numbers, and takes no input")
                return node, ()
            self.require_inputs()
            return self.call(node.function, node.args, node.keywords, target.signature())
        if not self.given and not _mentions(node, "_"):
            return node, ()
        if len(self.given) != 1:
            self.refuse_inputs("the step takes one input: for more, use names for its tensors", 1)
        return node, (_input(self.given[0], "x"),) if self.given else ()

    def without_rule(self, node: nodes.Call) -> tuple[nodes.Node, tuple[Input, ...]]:
        """Apply a callee without a rule: a function if torch's source declares it, else a layer."""
        assert isinstance(node.function, nodes.Name)
        if not declares_function(node.function.id):
            # A layer, or an unknown name, which the trace reports.
            return self.call(node, (), (), None)
        names = self.tensor_names()
        if names:
            return node, self.named(names)
        return self.call(node.function, node.args, node.keywords, None) if self.given else (node, ())

    def call(
        self,
        function: nodes.Node,
        args: tuple[nodes.Node, ...],
        keywords: tuple[nodes.Keyword, ...],
        signature: Signature | None,
    ) -> tuple[nodes.Node, tuple[Input, ...]]:
        """Return the call of a function with the inputs before its own arguments, and the inputs."""
        positional = [shape for shape in self.given if shape.name is None]
        # Functions such as cat take all their tensors as one argument.
        together = signature is not None and bool(signature.parameters) and "Tensors" in signature.parameters[0].kinds
        names = ["x"] if len(self.given) == 1 else []
        if signature is not None and not together and not names:
            names = [parameter.name for parameter in signature.positional]
        inputs: list[Input] = []
        first: list[nodes.Node] = []
        for index, shape in enumerate(positional):
            inputs.append(_input(shape, names[index] if index < len(names) else f"x{index + 1}"))
            first.append(_named_node(inputs[-1]))
        joined: list[nodes.Keyword] = []
        for shape in self.given:
            if shape.name is not None:
                inputs.append(_input(shape, shape.name))
                joined.append(nodes.Keyword(shape.name, _named_node(inputs[-1]), shape.span.start, shape.span.end))
        if first and together:
            first = [nodes.Tuple(tuple(first), first[0].start, first[-1].end)]
        node = self.node
        applied = nodes.Call(function, (*first, *args), (*keywords, *joined), node.start, node.end)
        return applied, _distinct(inputs)

    def named(self, names: list[str]) -> tuple[Input, ...]:
        """Return the inputs of a step that names its tensors."""
        own = [shape.name for shape in self.given if shape.name is not None]
        open_names = [name for name in names if name not in own]
        positional = [shape for shape in self.given if shape.name is None]
        for shape in self.given:
            if shape.name is not None and shape.name not in names:
                message = f"the step has no tensor {shape.name}: it has {', '.join(names)}"
                raise WrongUse(Problem("unknown-name", message, shape.span, help=nearest(shape.name, names)))
        if len(positional) == len(open_names) + 1 and "x" not in names and _mentions(self.node, "_"):
            open_names.insert(0, "x")
        if len(positional) != len(open_names):
            wanted = ", ".join(names)
            given = f"{len(self.given)} shape{'' if len(self.given) == 1 else 's'}"
            help = " ".join(f"{name}=SHAPE" for name in names)
            message = f"the step takes {wanted}, but {given} {'was' if len(self.given) == 1 else 'were'} given"
            raise WrongUse(Problem("missing-argument", message, self.whole, help=(help,)))
        unnamed = iter(open_names)
        return _distinct([_input(shape, shape.name or next(unnamed)) for shape in self.given])

    def tensor_names(self) -> list[str]:
        """Return the undefined names in the step, in order and without duplicates: they must be inputs."""
        given = {shape.name for shape in self.given}
        sizes = {"N", "_", *(name for shape in self.given for dim in shape.pattern.dims for name in _names(dim))}
        found = [
            name for name in _names(self.node)
            if name in given or (name not in sizes and find_torch(name) is MISSING)
        ]  # fmt: skip
        return list(dict.fromkeys(found))

    def is_unknown(self, name: str) -> bool:
        """Return whether a name is undefined."""
        return find_torch(name, called=True) is MISSING and all(shape.name != name for shape in self.given)

    def require_inputs(self) -> None:
        """Raise WrongUse if no shape was given."""
        if self.given:
            return
        example = getattr(self.target, "example", ())
        help = (
            "for example: nnshape layer "
            + " ".join(f'"{part}"' if " " in part or "(" in part else part for part in example),
        )
        message = f"{name_of(self.node)} needs the shape of its input"
        raise WrongUse(Problem("missing-argument", message, self.whole, help=help if example else ()))

    def refuse_inputs(self, reason: str, most: int = 0) -> None:
        """Raise WrongUse at the first shape that exceeds the maximum number."""
        if len(self.given) > most:
            raise WrongUse(Problem("unknown-argument", reason, self.given[most].span))


def _target(node: nodes.Node) -> type[Layer] | Function | Special | None:
    """Return the torch layer or function of this name, with or without a prefix such as `nn.`; or None."""
    found: Any = MISSING
    if isinstance(node, nodes.Name):
        found = find_torch(node.id, called=True)
    elif isinstance(node, nodes.Attribute):
        root: nodes.Node = node
        while isinstance(root, nodes.Attribute):
            root = root.value
        if isinstance(root, nodes.Name) and isinstance(find_torch(root.id), Namespace):
            found = find_torch(node.name, called=True)
    if is_layer_class(found) or isinstance(found, Function) or found == Special("Sequential"):
        return found  # type: ignore[no-any-return]
    return None


def _names(node: Any) -> Iterator[str]:
    """Yield the names of values in an expression, in order, without callees and loop variables."""
    if isinstance(node, nodes.Name):
        yield node.id
    elif isinstance(node, nodes.Call):
        if not isinstance(node.function, nodes.Name):
            yield from _names(node.function)
        for part in (*node.args, *node.keywords):
            yield from _names(part)
    elif isinstance(node, nodes.Comprehension):
        bound: set[str] = set()
        for generator in node.generators:
            bound.update(nodes.names_in(generator.target))
        parts = (node.element, *(part for g in node.generators for part in (g.iterable, *g.conditions)))
        yield from (name for part in parts for name in _names(part) if name not in bound)
    elif isinstance(node, tuple):
        for part in node:
            yield from _names(part)
    elif hasattr(node, "__slots__"):
        for slot in node.__slots__:
            yield from _names(getattr(node, slot))


def _mentions(node: nodes.Node, name: str) -> bool:
    return name in _names(node)


def _input(shape: TypedShape, name: str) -> Input:
    return Input(name, shape.pattern, shape.span)


def _named_node(input: Input) -> nodes.Name:
    span = input.span if input.pattern is None else input.pattern.span
    return nodes.Name(input.name, span.start, span.end)


def _distinct(inputs: list[Input]) -> tuple[Input, ...]:
    """Return the inputs. Raises WrongUse if two have the same name."""
    seen: set[str] = set()
    for input in inputs:
        if input.name in seen:
            raise WrongUse(Problem("duplicate-key", f"{input.name} is given twice", input.span))
        seen.add(input.name)
    return tuple(inputs)


def name_of(node: nodes.Node) -> str:
    """Return the name of the step in messages: that of its layer or function."""
    while isinstance(node, nodes.Call):
        node = node.function
    if isinstance(node, nodes.Attribute):
        return node.name
    return node.id if isinstance(node, nodes.Name) and node.id != "_" else "step"
