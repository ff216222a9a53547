"""Parses shapes: `1x32x32`, `16 x (H//2 - 2) x W`, `[N, 1, H, W]`, `int64[N, T]`."""

from __future__ import annotations

import re

from nnshape.problems import Edit, Problem, SpecError
from nnshape.problems.nearest import nearest
from nnshape.records import dataclass
from nnshape.shapes.dtypes import DTYPES
from nnshape.spec import limits, nodes
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.source import Span, source_of_text
from nnshape.spec.source_map import Piece, SourceMap, verbatim
from nnshape.spec.yaml_tree import Mapping, Node, Scalar

_USUAL = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool")
_BRACKETS = re.compile(r"\s*(?:([^\W\d][\w.]*)\s*)?(\[)(.*)\]\s*", re.DOTALL)
_DTYPE_BEFORE = re.compile(r"\s*(?:torch\.)?([^\W\d][a-z_]*\d\w*|bool|float|double|half|long|int|short)\b[\s(]*\d")
_INTEGER = re.compile(r"\d+")
_NAME = re.compile(r"[^\W\d]\w*")
# Compiled where a shape is wrong: most files have none.
_SEPARATOR = r"\s*[,*X×]\s*"
_SEPARATED = rf"\s*\d+({_SEPARATOR}\d+)+\s*"
_SPACED_X = re.compile(r"\sx\s")
#: Functions of sizes, which need no brackets around them: `16 x ceil(H/2) x W`.
FUNCTIONS = ("ceil", "floor", "max", "min")
#: The help for an invalid shape.
EXAMPLES = "write 1x32x32, 16 x (H//2) x W or [N, 1, H, W]"


@dataclass(frozen=True, slots=True)
class ShapePattern:
    """A shape as written. `per_sample`, the x form, omits the batch size.

    `dims` are nodes of `expression`: integers, names, arithmetic, and in a block's input also `_` and
    `...`. `dtype` is torch's full name, or None if the shape has none.
    """

    dims: tuple[nodes.Node, ...]
    dtype: str | None
    per_sample: bool
    expression: Expression
    span: Span

    def span_of(self, index: int) -> Span:
        """The span of one dimension."""
        return self.expression.span(self.dims[index])


def parse_shape(text: str, name: str = "<shape>") -> ShapePattern:
    """Parse a shape without a file, such as an option's value. Raises SpecError."""
    source = source_of_text(text, name)
    return shape_of_text(source.text, verbatim(Span(source, 0, len(source.text))))


def shape_of_text(text: str, origin: SourceMap) -> ShapePattern:
    """Parse a shape in a text located at `origin`. Raises SpecError."""
    stripped = text.strip()
    start = len(text) - len(text.lstrip())
    span = origin.span(start, start + len(stripped))
    if meant := shapes_meant(stripped):
        raise SpecError(tuple_problem(meant, span))
    if not stripped:
        raise SpecError(Problem("syntax", "a shape is expected here", origin.whole, help=(EXAMPLES,)))
    if match := _BRACKETS.fullmatch(text):
        dtype = None
        if match.group(1) is not None:
            dtype = _dtype(match.group(1), origin.span(*match.span(1)))
        # Replace the dtype with blanks, which keeps the offsets.
        open_at = match.start(2)
        expression = parse_expression(" " * open_at + text[open_at:], origin)
        if not isinstance(expression.node, nodes.List):
            raise SpecError(Problem("syntax", "not a shape", span, help=(EXAMPLES,)))
        if len(expression.node.items) > limits.DIMENSIONS:
            raise _too_many(span)
        for dim in expression.node.items:
            check_dim(dim, expression)
        return ShapePattern(expression.node.items, dtype, False, expression, span)
    if match := _DTYPE_BEFORE.match(text):
        fix = f"a dtype stands before brackets: {match.group(1)}[N, …]"
        raise SpecError(Problem("syntax", "a dtype is not allowed before this form", span, help=(fix,)))
    return _per_sample(text, origin, span)


def _per_sample(text: str, origin: SourceMap, span: Span) -> ShapePattern:
    spaced = _SPACED_X.search(text) is not None
    ranges: list[tuple[int, int]] = []
    at = _skip(text, 0)
    while True:
        end = _element_end(text, at, spaced)
        if end == at:
            raise _no_element(text, at, origin)
        ranges.append((at, end))
        if len(ranges) > limits.DIMENSIONS:
            raise _too_many(span)
        at = _skip(text, end)
        if at >= len(text):
            break
        if text[at] != "x":
            raise _no_element(text, at, origin)
        at = _skip(text, at + 1)
    # One list with the elements at their offsets, to parse them all at once.
    pieces: list[Piece] = []
    parts, length = ["["], 1
    for low, high in ranges:
        cut = origin.cut(low, high)
        pieces.extend(Piece(p.start + length, p.end + length, p.source_start, p.source_end) for p in cut.pieces)
        parts.append(text[low:high] + ",")
        length += high - low + 1
    parts.append("]")
    expression = parse_expression("".join(parts), SourceMap(origin.source, tuple(pieces), span))
    assert isinstance(expression.node, nodes.List)
    for dim in expression.node.items:
        check_dim(dim, expression)
        if isinstance(dim, nodes.Name) and dim.id == "N":
            message = "this form is the shape of one sample, without N"
            brackets = f"[{', '.join(text[a:b] for a, b in ranges)}]"
            fixes = ("leave N out", f"or write brackets: {brackets}")
            instead = ((Edit(span, brackets),),)
            raise SpecError(Problem("syntax", message, expression.span(dim), help=fixes, instead=instead))
    return ShapePattern(expression.node.items, None, True, expression, span)


def _too_many(span: Span) -> SpecError:
    return SpecError(Problem("too-large", f"a shape has at most {limits.DIMENSIONS} dimensions", span))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _element_end(text: str, at: int, spaced: bool) -> int:
    """The end of the element that begins at `at`, or `at` if there is none."""
    if match := _INTEGER.match(text, at):
        return match.end()
    if text.startswith("(", at):
        depth = 0
        for end in range(at, len(text)):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            if not depth:
                return end + 1
        return at
    if match := _NAME.match(text, at):
        if match.group() in FUNCTIONS and (end := _element_end(text, match.end(), spaced)) > match.end():
            return end  # ceil(H/2), max(H, 3)
        if spaced or "x" not in match.group():
            return match.end()
        return at + match.group().index("x")
    return at


def _no_element(text: str, at: int, origin: SourceMap) -> SpecError:
    here = text[at : at + 1]
    span = origin.span(at, min(at + 1, len(text)))
    if here in ("(", "["):
        return SpecError(Problem("syntax", f"{here} is never closed", span))
    if here in ("×", "X", "*", ","):
        instead: tuple[tuple[Edit, ...], ...] = ()
        if re.fullmatch(_SEPARATED, text):
            whole = origin.span(len(text) - len(text.lstrip()), len(text.rstrip()))
            instead = ((Edit(whole, re.sub(_SEPARATOR, "x", text.strip())),),)
        message = f"{here} does not separate sizes; x does"
        return SpecError(Problem("syntax", message, span, help=(EXAMPLES,), instead=instead))
    if here and here in "+-/%":
        fix = "put arithmetic in brackets: 16 x (H//2 - 2) x W"
        return SpecError(Problem("syntax", f"{here} is not allowed in a shape without brackets", span, help=(fix,)))
    if not here:
        return SpecError(Problem("syntax", "the shape ends too early", span, "a size is missing here"))
    return SpecError(Problem("syntax", f"not a shape: {here} is not allowed here", span, help=(EXAMPLES,)))


_SIZES = (
    nodes.Name, nodes.Binary, nodes.Unary, nodes.Call, nodes.Conditional, nodes.Subscript, nodes.Attribute,
)  # fmt: skip


#: A tuple as Python and torch write it: `(3, 224, 224)`, `torch.Size([3, 224, 224])`.
_TUPLE = r"(?:torch\.)?(?:Size)?\(\[?\s*((?:\w+|-1)\s*(?:,\s*(?:\w+|-1)\s*)*),?\s*\]?\)"
#: The first size of a batch, as people write it.
_BATCH = ("N", "None", "-1", "B", "batch", "batch_size")


def shapes_meant(text: str) -> tuple[str, ...]:
    """The shapes that a tuple may stand for; none for any other text, such as the size `(784)`."""
    match = re.fullmatch(_TUPLE, text) if text.endswith(")") and "," in text else None
    if match is None:
        return ()
    sizes = [size.strip() for size in match[1].split(",")]
    if sizes[0] in _BATCH:
        return (f"[{', '.join(['N', *sizes[1:]])}]",)
    sign = " x " if any("x" in size for size in sizes) else "x"
    whole = sign.join(sizes)
    # Of four numbers, the first is often a batch.
    return (whole, sign.join(sizes[1:])) if len(sizes) > 3 else (whole,)


def tuple_problem(meant: tuple[str, ...], span: Span) -> Problem:
    """The problem of a shape that is written as a tuple."""
    message = f"a shape is written {meant[0]}, without ( and )"
    return Problem("syntax", message, span, help=(f"write {meant[0]}",), instead=meant)


def check_dim(dim: nodes.Node, expression: Expression) -> None:
    """Raise SpecError for an expression that can never be a size."""
    if isinstance(dim, nodes.Constant) and (type(dim.value) is int or dim.value is Ellipsis):
        return
    message = "a size is an integer, a name or arithmetic with them"
    help: tuple[str, ...] = ()
    span = expression.span(dim)
    if isinstance(dim, nodes.Unary) and isinstance(dim.operand, nodes.Constant):
        message = "a size is never negative"
    elif isinstance(dim, _SIZES):
        return
    if span.text in ("None", "-1"):
        help = ("write N for any number of samples, or another name for any size",)
    raise SpecError(Problem("syntax", message, span, help=help, instead=("N",) if help else ()))


def _dtype(name: str, span: Span) -> str:
    canonical = DTYPES.get(name.removeprefix("torch."))
    if canonical is None:
        fix = nearest(name, DTYPES) or (f"torch has {', '.join(_USUAL)}, …",)
        raise SpecError(Problem("wrong-dtype", f"{name} is not a dtype", span, help=fix))
    return canonical


def shape_of_node(node: Node) -> ShapePattern:
    """The shape in a node. Raises SpecError."""
    if isinstance(node, Scalar):
        if len(node.value) > limits.EXPRESSION_CHARACTERS:
            raise SpecError(Problem("too-large", "this shape is too long", node.span))
        return shape_of_text(node.value, node.origin)
    if isinstance(node, Mapping):
        raise SpecError(
            Problem("wrong-type", "a shape is expected here, not a mapping", node.span, help=("write 1x32x32",))
        )
    # YAML has split the list at its commas, also at those inside an element, so join the items again.
    text = "["
    pieces: list[Piece] = [Piece(0, 1, node.span.start, node.span.start + 1)]
    for index, item in enumerate(node.items):
        if not isinstance(item, Scalar):
            raise SpecError(Problem("wrong-type", "a size is expected here, not a collection", item.span))
        if not item.value:
            raise SpecError(Problem("syntax", "a size is missing here", item.span))
        if len(text) + len(item.value) > limits.EXPRESSION_CHARACTERS:
            raise SpecError(Problem("too-large", "this shape is too long", node.span))
        text += ", " if index else ""
        pieces.extend(
            Piece(piece.start + len(text), piece.end + len(text), piece.source_start, piece.source_end)
            for piece in item.origin.pieces
        )
        text += item.value
    pieces.append(Piece(len(text), len(text) + 1, node.span.end - 1, node.span.end))
    return shape_of_text(text + "]", SourceMap(node.span.source, tuple(pieces), node.span))
