"""The nodes of an expression, with their offsets in its text.

Nodes compare by identity: two occurrences of `x` are different nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import Any, TypeAlias

from nnshape.records import dataclass

Atom: TypeAlias = int | float | str | bool | EllipsisType | None


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A number, a string, True, False, None or `...`."""

    value: Atom
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A name to look up."""

    id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A plain word in a mapping step: a name of the file, or otherwise a string.

    With `is_string`, as an argument that takes strings alone, it is a name only if the value is a string.
    """

    id: str
    start: int
    end: int
    is_string: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Starred:
    """`*value` among the arguments or items."""

    value: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Keyword:
    """`name=value` in a call; the name is None for `**value`."""

    name: str | None
    value: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """`function(args, keywords)`."""

    function: Node
    args: tuple[Node, ...]
    keywords: tuple[Keyword, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """`value.name`; the name spans from `name_start` to the end of the attribute."""

    value: Node
    name: str
    name_start: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Subscript:
    """`value[index]`; several indices are a Tuple."""

    value: Node
    index: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """`lower:upper:step` within a subscript."""

    lower: Node | None
    upper: Node | None
    step: Node | None
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Two operands and one of `+ - * / // % ** @ & | ^ << >>`."""

    operator: str
    left: Node
    right: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """An operand after `-`, `+`, `~` or `not`."""

    operator: str
    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Compare:
    """`left operator comparator …`: == != < <= > >= `is`, `is not`, `in`, `not in`."""

    left: Node
    operators: tuple[str, ...]
    comparators: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Boolean:
    """Values joined by `and`, or by `or`."""

    operator: str
    values: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """`body if test else orelse`."""

    test: Node
    body: Node
    orelse: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Tuple:
    """`(a, b)`."""

    items: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class List:
    """`[a, b]`."""

    items: tuple[Node, ...]
    start: int
    end: int


#: The names that a loop gives to each item: `i`, `(a, b)`, `(a, (b, c))`.
Target: TypeAlias = "str | tuple[Target, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """`for target in iterable if condition …`; several targets unpack each item."""

    target: Target
    iterable: Node
    conditions: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension:
    """`element for … in …`: an argument of a call or, if `bracketed`, a list."""

    element: Node
    generators: tuple[Generator, ...]
    bracketed: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Assign:
    """`name := value`: the value, which has that name from here to the end of its step."""

    name: str
    value: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class FString:
    """`f'layer{i}'`: string Constants for the text, and expressions between them."""

    parts: tuple[Node, ...]
    start: int
    end: int


Node: TypeAlias = (
    Constant
    | Name
    | Word
    | Starred
    | Call
    | Attribute
    | Subscript
    | Slice
    | Binary
    | Unary
    | Compare
    | Boolean
    | Conditional
    | Tuple
    | List
    | Comprehension
    | Assign
    | FString
)


def names_in(target: Target) -> Iterator[str]:
    """The names of a loop's target, nested ones too."""
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from names_in(part)


def walk(node: Node) -> Iterator[Any]:
    """The node and every node inside it, keywords and loops too."""
    stack: list[Any] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack.extend(part)
        elif hasattr(part, "__slots__"):
            yield part
            stack.extend(getattr(part, slot) for slot in part.__slots__)
