"""Converts mapping steps, `{type: Conv2d, in_channels: 1, from: x}`, to expressions, `Conv2d(in_channels=1)(x)`."""

from __future__ import annotations

import math
import re
from itertools import takewhile
from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.spec import limits, nodes
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.scalars import kind_of, value_of
from nnshape.spec.source_map import Piece, SourceMap
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Collection

    from nnshape.spec.source import Span

#: A value of `type`: the name of a layer, a function, a block or an earlier step.
CALLEE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
#: The keys of a mapping step that are not arguments of its callee, with their meanings.
OWN_KEYS: dict[str, str] = {
    "type": "The callee: a layer or function of torch, a block of this file, or an earlier step.",
    "args": "Positional arguments, in order. Keyword arguments are keys of the step.",
    "from": "The inputs: an expression, such as the name of an earlier step, or a list. Defaults to the previous step.",
    "shape": "The expected output shape, which nnshape checks.",
}


def expression_of_mapping(node: Mapping, kind: Node, modules: Collection[str]) -> Expression:
    """The expression of a mapping step, with each part located at its YAML. Raises SpecError.

    A layer, or one of the file's own `modules`, is constructed and then applied to the values of `from`.
    Any other lower-case name is a function or an earlier step, and `from` holds its first arguments.
    """
    writer = _Writer(node.span, modules)
    writer.call(node, kind)
    return writer.expression()


class _Writer:
    """Builds the text of an expression and maps each part to its YAML value."""

    __slots__ = ("_literals", "_modules", "_pieces", "_text", "_whole")

    def __init__(self, whole: Span, modules: Collection[str]) -> None:
        self._whole = whole
        self._modules = modules
        self._text = ""
        self._pieces: list[Piece] = []
        self._literals: dict[tuple[int, int], nodes.Constant | nodes.Word] = {}

    def expression(self) -> Expression:
        origin = SourceMap(self._whole.source, tuple(self._pieces), self._whole)
        parsed = parse_expression(self._text, origin)
        return Expression(self._text, _with_literals(parsed.node, self._literals), origin)

    def call(self, node: Mapping, kind: Node) -> None:
        if not isinstance(kind, Scalar) or not CALLEE.fullmatch(kind.value):
            fix = "type: Conv2d, and write the arguments as separate keys"
            raise SpecError(Problem("wrong-type", "type is the name of a layer", kind.span, help=(fix,)))
        self.copy(kind)
        arguments, source = node.get("args"), node.get("from")
        is_own = kind.value.partition(".")[0] in self._modules
        constructs = kind.value.rpartition(".")[2][0].isupper() or is_own
        strings = _NO_STRINGS if is_own else _strings_of(kind.value.rpartition(".")[2])
        named = {key.value: (key, value) for key, value in node.items if key.value not in OWN_KEYS}
        items: list[Node] = []
        if arguments is not None:
            if not isinstance(arguments, Sequence):
                message = f"args is a list of values, not {kind_of(arguments)}"
                raise SpecError(Problem("wrong-type", message, arguments.span))
            items = list(arguments.items)
        self.put("(")
        comma, position = "", 0
        if source is not None and not constructs:
            for name in strings.leading:  # such as the equation of einsum, which stands before the tensors
                if name in named or items:
                    self.put(comma)
                    self.value(named.pop(name)[1] if name in named else items.pop(0), True)
                    comma, position = ", ", position + 1
            self.put(comma)
            comma = self.tensors(source)
            position += len(source.items) if isinstance(source, Sequence) else 1
        for index, item in enumerate(items, position):
            self.put(comma)
            self.value(item, strings.positional[index : index + 1] == (True,))
            comma = ", "
        for key, value in named.values():
            if not key.value.isidentifier():
                raise SpecError(Problem("invalid-name", f"{key.value!r} is not an argument name", key.span))
            self.put(comma)
            self.copy(key)
            self.put("=")
            self.value(value, key.value in strings.names)
            comma = ", "
        self.put(")")
        if source is not None and constructs:
            self.put("(")
            self.tensors(source)
            self.put(")")

    def tensors(self, source: Node) -> str:
        """Write the values of `from`; returns the separator before the next argument."""
        items = source.items if isinstance(source, Sequence) else (source,)
        comma = ""
        for item in items:
            if not isinstance(item, Scalar) or not item.value:
                message = f"from names tensors, not {kind_of(item)}"
                raise SpecError(Problem("wrong-type", message, item.span))
            self.check_length(item)
            parse_expression(item.value, item.origin)
            self.put(comma)
            self.copy(item)
            comma = ", "
        return comma

    def value(self, node: Node, is_string: bool = False) -> None:
        """Write an argument: a scalar, a list as a tuple, or a mapping step as a layer.

        `is_string` is True for an argument that takes strings alone.
        """
        if isinstance(node, Scalar):
            self.scalar(node, is_string)
        elif isinstance(node, Sequence):
            self.put("(")
            for index, item in enumerate(node.items):
                self.put(", " if index else "")
                self.value(item)
            self.put(",)" if len(node.items) == 1 else ")")
        elif (kind := node.get("type")) is not None:
            self.call(node, kind)
        else:
            message = "an argument is a value or a list; a mapping needs a type to be a layer"
            raise SpecError(Problem("wrong-type", message, node.span))

    def scalar(self, node: Scalar, is_string: bool) -> None:
        value = value_of(node)
        if not isinstance(value, str):
            finite = not isinstance(value, float) or math.isfinite(value)
            # The node carries the value; Python has no literal for infinity.
            self.literal(node, repr(value) if finite else "None", value)
            return
        self.check_length(node)
        try:
            parsed = parse_expression(value, node.origin).node
        except SpecError as error:
            if any(problem.kind != "syntax" for problem in error.problems):
                raise
            self.literal(node, _string(value), value)
            return
        if is_string and not isinstance(parsed, _GIVE_STRINGS):
            self.literal(node, _string(value), value)  # `nearest-exact` is no difference
        elif isinstance(parsed, nodes.Name):
            start = len(self._text) + parsed.start
            self.copy(node)
            end = start + parsed.end - parsed.start
            self._literals[start, end] = nodes.Word(parsed.id, start, end, is_string)
        elif isinstance(parsed, nodes.Tuple):
            self.put("(")
            self.copy(node)
            self.put(")")
        else:
            self.copy(node)

    def literal(self, node: Scalar, text: str, value: nodes.Atom) -> None:
        start = len(self._text)
        end = start + len(text)
        self.put(text, node.span)
        self._literals[start, end] = nodes.Constant(value, start, end)

    def copy(self, node: Scalar) -> None:
        """Write the value of a scalar unchanged, with each character located."""
        self.check_length(node)
        base = len(self._text)
        for start, end, low, high in node.origin.pieces:
            self._pieces.append(Piece(start + base, end + base, low, high))
        self._text += node.value

    def put(self, text: str, span: Span | None = None) -> None:
        """Write generated text, located as a whole at `span` if there is one."""
        if span is not None and text:
            start = len(self._text)
            self._pieces.append(Piece(start, start + len(text), span.start, span.end))
        self._text += text

    def check_length(self, node: Scalar) -> None:
        if len(self._text) + len(node.value) > limits.EXPRESSION_CHARACTERS:
            message = f"this step has more than {limits.EXPRESSION_CHARACTERS:,} characters"
            raise SpecError(Problem("too-large", message, self._whole))


#: The expressions that can give a string.
_GIVE_STRINGS = (
    nodes.Attribute, nodes.Boolean, nodes.Call, nodes.Conditional, nodes.Constant, nodes.FString, nodes.Name,
    nodes.Subscript,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Strings:
    """The arguments of a callee that take strings alone: their names, and whether each positional one is one.

    `leading` are the names of those before all others.
    """

    names: frozenset[str] = frozenset()
    positional: tuple[bool, ...] = ()
    leading: tuple[str, ...] = ()


_NO_STRINGS = _Strings()


def _strings_of(callee: str) -> _Strings:
    """The arguments of a layer or function of torch that take strings alone; none for any other callee."""
    found = find_layer(callee) if callee[0].isupper() else find_function(callee)
    if found is None:
        return _NO_STRINGS
    signature = found.signature()
    names = frozenset(one.name for one in signature.by_name.values() if set(one.kinds) in ({"str"}, {"str", "None"}))
    positional = tuple(one.name for one in signature.positional)
    leading = tuple(takewhile(names.__contains__, positional))
    return _Strings(names, tuple(name in names for name in positional), leading)


def _string(value: str) -> str:
    """A readable string literal of the value; the node, not this text, is evaluated."""
    text = repr(value)
    return text if text.isprintable() and "\\" not in text else "''"


def _with_literals(node: nodes.Node, literals: dict[tuple[int, int], nodes.Constant | nodes.Word]) -> nodes.Node:
    """The node with the plain YAML values in place of their parsed texts."""
    if (literal := literals.get((node.start, node.end))) is not None and not isinstance(node, nodes.Tuple):
        return literal
    if isinstance(node, nodes.Call):
        keywords = [nodes.Keyword(k.name, _with_literals(k.value, literals), k.start, k.end) for k in node.keywords]
        args = tuple([_with_literals(argument, literals) for argument in node.args])
        return nodes.Call(_with_literals(node.function, literals), args, tuple(keywords), node.start, node.end)
    if isinstance(node, nodes.Tuple):
        items = tuple([_with_literals(item, literals) for item in node.items])
        return nodes.Tuple(items, node.start, node.end)
    return node
