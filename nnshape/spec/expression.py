"""Parses expressions into nodes: a subset of Python's grammar, the language of steps."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import limits, nodes
from nnshape.spec.dict_displays import NAMED_CONTAINERS, pairs_of_dict
from nnshape.spec.nodes import Generator, Keyword, Node, Target
from nnshape.spec.syntax_faults import Unreadable, fault_of_syntax_error, unwanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.spec.source import Span
    from nnshape.spec.source_map import SourceMap

# An unclosed string extends to the end of the text; otherwise each quote in it would be tried as a start.
STRING = r"'(?:[^'\\]|\\.)*(?:'|\\?\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)"
_STRING_OR_BRACKET = re.compile(rf"{STRING}|[()\[\]{{}}#]", re.DOTALL)
# Python's parser warns about these; nnshape reports faults itself.
_NUMBER = re.compile(r"(?<!\w)\d[\w.]*")
_KEYWORD = re.compile(r"if|in|is|or|and|else|for|not")
_BLANK_CONTROLS = str.maketrans("\n\r\f\v", "    ")
_CACHED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its root node, and the map from its characters to the source."""

    text: str
    node: Node
    origin: SourceMap

    def span(self, part: Node | Keyword | Generator | tuple[int, int]) -> Span:
        """The source range of a node, or of a (start, end) of the text."""
        if isinstance(part, tuple):
            return self.origin.span(*part)
        return self.origin.span(part.start, part.end)

    def where(self) -> Span:
        """The source range of the whole expression, without blanks around it."""
        return self.origin.span(self.node.start, self.node.end)


def parse_expression(text: str, origin: SourceMap) -> Expression:
    """Parse one expression. Raises SpecError with a located `syntax` or `too-large` problem."""
    if len(text) > limits.EXPRESSION_CHARACTERS:
        message = f"this expression has {len(text):,} characters; {limits.EXPRESSION_CHARACTERS:,} is the most"
        raise SpecError(Problem("too-large", message, origin.whole, help=("split it into several steps",)))
    try:
        # Long texts rarely repeat, and caching them takes much memory.
        node = _cached(text) if len(text) <= _CACHED_CHARACTERS else _node(text)
    except Unreadable as fault:
        raise SpecError(fault.problem(origin)) from None
    return Expression(text, node, origin)


def _node(text: str) -> Node:
    if "#" in text or text.count("(") + text.count("[") + text.count("{") > limits.DEPTH:
        _check_brackets(text)
    blank = text.translate(_BLANK_CONTROLS)
    code = blank.lstrip()
    try:
        if _may_warn(code):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree: Any = compile(code, "<spec>", "eval", ast.PyCF_ONLY_AST)
        else:
            tree = compile(code, "<spec>", "eval", ast.PyCF_ONLY_AST)
    except SyntaxError as error:
        raise fault_of_syntax_error(error, blank, len(blank) - len(code)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("too-large", "this expression nests too deeply", 0, len(text)) from None
    except ValueError as error:
        raise Unreadable("syntax", f"this cannot be read: {error}", 0, len(text)) from None
    return _Converter(blank, len(blank) - len(code)).node(tree.body, 0)


def _may_warn(code: str) -> bool:
    """Whether Python may warn about a text: about a backslash, or a keyword right after a number."""
    return "\\" in code or any(_KEYWORD.search(number) for number in _NUMBER.findall(code))


_cached = lru_cache(maxsize=8192)(_node)


def _check_brackets(text: str) -> None:
    """Refuse comments, and brackets nested too deeply for Python's parser."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        mark = match.group()
        if mark in "([{":
            depth += 1
            if depth > limits.DEPTH:
                message = f"brackets nest deeper than {limits.DEPTH} levels"
                raise Unreadable("too-large", message, match.start(), match.end())
        elif mark in ")]}":
            depth -= 1
        elif mark == "#":
            message = "a comment is not allowed inside an expression"
            raise Unreadable("syntax", message, match.start(), len(text), help=("move it outside the quotes",))


_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.LShift: "<<", ast.RShift: ">>", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
    ast.Not: "not", ast.And: "and", ast.Or: "or", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<",
    ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip


class _Converter:
    """Converts Python's syntax tree to nodes, and refuses constructs outside the language."""

    __slots__ = ("_columns", "_text")

    def __init__(self, text: str, lead: int) -> None:
        self._text = text
        self._columns: list[int] | None = None
        if lead or not text.isascii():
            # ast counts columns in bytes of UTF-8, without the leading blanks.
            self._columns = [index for index in range(lead, len(text)) for _ in text[index].encode("utf-8")] + [
                len(text)
            ]

    def place(self, tree: Any) -> tuple[int, int]:
        """The (start, end) of a tree, in characters of the text."""
        if self._columns is None:
            return tree.col_offset, tree.end_col_offset
        return self._columns[tree.col_offset], self._columns[tree.end_col_offset]

    def node(self, tree: ast.AST, depth: int) -> Node:
        convert = _CONVERTERS.get(type(tree))
        if convert is None:
            raise self.refusal(tree)
        if depth > limits.EXPRESSION_DEPTH:
            message = f"this expression nests deeper than {limits.EXPRESSION_DEPTH} levels"
            raise Unreadable("too-large", message, *self.place(tree), help=("split it into several steps",))
        return convert(self, tree, depth + 1)

    def refusal(self, tree: ast.AST) -> Unreadable:
        what, fix = unwanted(tree)
        return Unreadable("syntax", f"{what} is not part of the language", *self.place(tree), help=fix)

    def nodes(self, trees: list[ast.expr], depth: int) -> tuple[Node, ...]:
        return tuple([self.node(tree, depth) for tree in trees])

    def constant(self, tree: Any, depth: int) -> Node:
        value = tree.value
        start, end = self.place(tree)
        kind = type(value)
        if kind is int:
            if value >= limits.INTEGER:
                raise Unreadable("too-large", "this integer is not below 2**63", start, end)
        elif kind is float:
            if value == float("inf"):
                raise Unreadable("too-large", "this number is too large for a float", start, end)
        elif kind is bytes or kind is complex:
            raise self.refusal(tree)
        return nodes.Constant(value, start, end)

    def name(self, tree: Any, depth: int) -> Node:
        start, end = self.place(tree)
        if tree.id.startswith("__"):
            raise Unreadable("syntax", f"{tree.id} begins with two underscores; no such name is known", start, end)
        return nodes.Name(tree.id, start, end)

    def starred(self, tree: Any, depth: int) -> Node:
        return nodes.Starred(self.node(tree.value, depth), *self.place(tree))

    def call(self, tree: Any, depth: int) -> Node:
        function = self.node(tree.func, depth)
        if getattr(function, "id", getattr(function, "name", "")) in NAMED_CONTAINERS and len(tree.args) == 1:
            pairs = pairs_of_dict(self, tree.args[0], depth)
            if pairs is not None and not tree.keywords:
                return nodes.Call(function, (pairs,), (), *self.place(tree))
        args = self.nodes(tree.args, depth)
        if not tree.keywords:
            return nodes.Call(function, args, (), *self.place(tree))
        keywords = []
        given = set()
        for keyword in tree.keywords:
            start, end = self.place(keyword)
            if keyword.arg in given:
                message = f"the argument {keyword.arg} is given twice"
                raise Unreadable("syntax", message, start, start + len(keyword.arg))
            if keyword.arg is not None:
                given.add(keyword.arg)
            keywords.append(Keyword(keyword.arg, self.node(keyword.value, depth), start, end))
        return nodes.Call(function, args, tuple(keywords), *self.place(tree))

    def attribute(self, tree: Any, depth: int) -> Node:
        start, end = self.place(tree)
        name = tree.attr
        begin = end - len(name)
        if self._text[begin:end] != name:
            # Python normalizes names, which may change their length (ligatures).
            begin = self._text.rindex(".", start, end) + 1
        if name.startswith("__"):
            raise Unreadable("syntax", f"{name} begins with two underscores; no such attribute is known", begin, end)
        return nodes.Attribute(self.node(tree.value, depth), name, begin, start, end)

    def subscript(self, tree: Any, depth: int) -> Node:
        return nodes.Subscript(self.node(tree.value, depth), self.node(tree.slice, depth), *self.place(tree))

    def slice(self, tree: Any, depth: int) -> Node:
        lower, upper, step = (
            None if part is None else self.node(part, depth) for part in (tree.lower, tree.upper, tree.step)
        )
        return nodes.Slice(lower, upper, step, *self.place(tree))

    def binary(self, tree: Any, depth: int) -> Node:
        return nodes.Binary(
            _OPERATORS[type(tree.op)],
            self.node(tree.left, depth),
            self.node(tree.right, depth),
            *self.place(tree),
        )

    def unary(self, tree: Any, depth: int) -> Node:
        operand = self.node(tree.operand, depth)
        return nodes.Unary(_OPERATORS[type(tree.op)], operand, *self.place(tree))

    def compare(self, tree: Any, depth: int) -> Node:
        operators = tuple([_OPERATORS[type(operator)] for operator in tree.ops])
        left = self.node(tree.left, depth)
        return nodes.Compare(left, operators, self.nodes(tree.comparators, depth), *self.place(tree))

    def boolean(self, tree: Any, depth: int) -> Node:
        values = self.nodes(tree.values, depth)
        return nodes.Boolean(_OPERATORS[type(tree.op)], values, *self.place(tree))

    def conditional(self, tree: Any, depth: int) -> Node:
        return nodes.Conditional(
            self.node(tree.test, depth),
            self.node(tree.body, depth),
            self.node(tree.orelse, depth),
            *self.place(tree),
        )

    def tuple(self, tree: Any, depth: int) -> Node:
        return nodes.Tuple(self.nodes(tree.elts, depth), *self.place(tree))

    def list(self, tree: Any, depth: int) -> Node:
        return nodes.List(self.nodes(tree.elts, depth), *self.place(tree))

    def comprehension(self, tree: Any, depth: int) -> Node:
        generators = [self.generator(generator, depth) for generator in tree.generators]
        element = self.node(tree.elt, depth)
        bracketed = type(tree) is ast.ListComp
        return nodes.Comprehension(element, tuple(generators), bracketed, *self.place(tree))

    def generator(self, tree: ast.comprehension, depth: int) -> Generator:
        if tree.is_async:
            raise Unreadable("syntax", "async for is not part of the language", *self.place(tree.target))
        target = self.target(tree.target)
        last = tree.ifs[-1] if tree.ifs else tree.iter
        start, end = self.place(tree.target)[0], self.place(last)[1]
        return Generator(target, self.node(tree.iter, depth), self.nodes(tree.ifs, depth), start, end)

    def target(self, tree: ast.expr) -> Target:
        if isinstance(tree, ast.Name):
            return tree.id
        if isinstance(tree, (ast.Tuple, ast.List)) and tree.elts:
            return tuple([self.target(item) for item in tree.elts])
        message = "a loop's target is a name, or several: for a, b in …, for a, (b, c) in …"
        raise Unreadable("syntax", message, *self.place(tree))

    def assign(self, tree: Any, depth: int) -> Node:
        name = self.name(tree.target, depth)
        assert isinstance(name, nodes.Name)
        return nodes.Assign(name.id, self.node(tree.value, depth), *self.place(tree))

    def fstring(self, tree: Any, depth: int) -> Node:
        start, end = self.place(tree)
        parts: list[Node] = []
        for value in tree.values:
            if isinstance(value, ast.Constant):
                parts.append(nodes.Constant(str(value.value), start, end))
            elif isinstance(value, ast.FormattedValue):
                if value.conversion != -1 or value.format_spec is not None:
                    message = "a format or conversion in an f-string is not part of the language"
                    raise Unreadable("syntax", message, start, end, help=("write f'layer{i}'",))
                parts.append(self.node(value.value, depth))
        return nodes.FString(tuple(parts), start, end)


_CONVERTERS: dict[type[ast.AST], Callable[[_Converter, Any, int], Node]] = {
    ast.Constant: _Converter.constant,
    ast.Name: _Converter.name,
    ast.Call: _Converter.call,
    ast.Attribute: _Converter.attribute,
    ast.Subscript: _Converter.subscript,
    ast.Slice: _Converter.slice,
    ast.Starred: _Converter.starred,
    ast.BinOp: _Converter.binary,
    ast.UnaryOp: _Converter.unary,
    ast.Compare: _Converter.compare,
    ast.BoolOp: _Converter.boolean,
    ast.IfExp: _Converter.conditional,
    ast.Tuple: _Converter.tuple,
    ast.List: _Converter.list,
    ast.GeneratorExp: _Converter.comprehension,
    ast.ListComp: _Converter.comprehension,
    ast.NamedExpr: _Converter.assign,
    ast.JoinedStr: _Converter.fstring,
}
