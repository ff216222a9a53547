"""A node of the tree -> a shape: `1x32x32` and `int64[N, T]` are scalars, `[N, 1, H, W]` is a list."""

from __future__ import annotations

from nnshape.problems import Problem, SpecError
from nnshape.spec import limits
from nnshape.spec.document import Mapping, Node, Scalar
from nnshape.spec.origin import Origin, Piece
from nnshape.spec.shape import ShapePattern, shape_of_text


def shape_of_node(node: Node) -> ShapePattern:
    """The shape that a node holds; raises SpecError."""
    if isinstance(node, Scalar):
        if len(node.value) > limits.EXPRESSION_CHARACTERS:
            raise SpecError(Problem("too-large", "this shape is too long", node.span))
        return shape_of_text(node.value, node.origin)
    if isinstance(node, Mapping):
        raise SpecError(
            Problem("wrong-type", "a shape is wanted here, not a mapping", node.span, help=("write 1x32x32",))
        )
    # YAML has cut the list at its commas, those within an element too: joining undoes that.
    text = "["
    pieces: list[Piece] = [Piece(0, 1, node.span.start, node.span.start + 1)]
    for index, item in enumerate(node.items):
        if not isinstance(item, Scalar):
            raise SpecError(Problem("wrong-type", "a size is wanted here, not a collection", item.span))
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
    return shape_of_text(text + "]", Origin(node.span.source, tuple(pieces), node.span))
