"""Plain messages for Python's syntax errors, and for constructs outside the language."""

from __future__ import annotations

import ast
import keyword
import re
from typing import TYPE_CHECKING

from nnshape.problems import Edit, Problem
from nnshape.spec.index_assignments import assigned

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.spec.source_map import SourceMap


class Unreadable(Exception):
    """A fault in a text, with its range."""

    def __init__(
        self,
        kind: KindName,
        message: str,
        start: int,
        end: int,
        label: str = "",
        help: tuple[str, ...] = (),
        instead: tuple[int, int, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.start = start
        self.end = end
        self.label = label
        self.help = help
        #: A text to try in place of a range.
        self.instead = instead

    def problem(self, origin: SourceMap) -> Problem:
        """The fault as a problem, located in the source."""
        span = origin.span(self.start, self.end)
        instead: tuple[tuple[Edit, ...], ...] = ()
        if self.instead is not None:
            start, end, text = self.instead
            instead = ((Edit(origin.span(start, end), text),),)
        return Problem(self.kind, self.message, span, self.label, help=self.help, instead=instead)


_UNWANTED: dict[type[ast.AST], tuple[str, tuple[str, ...]]] = {
    ast.Lambda: ("a lambda", ("name the operation: a function of torch, or a block",)),
    ast.Dict: (
        "a dict in braces",
        ("for values, write dict(low=a, high=b)", "for modules, write pairs: Sequential(('name', Layer()), …)"),
    ),
    ast.DictComp: (
        "a dict in braces",
        (
            "for values, write dict((name, value) for … in …)",
            "for modules, write pairs: Sequential((f'layer{i}', Layer()) for i in range(3))",
        ),
    ),
    ast.Set: ("a set", ("write a tuple, (a, b), or a list, [a, b]",)),
    ast.SetComp: ("a set", ("write a list: [… for … in …]",)),
    ast.Await: ("await", ()),
    ast.Yield: ("yield", ()),
    ast.YieldFrom: ("yield", ()),
}


def unwanted(tree: ast.AST) -> tuple[str, tuple[str, ...]]:
    """The name of a construct, and the alternatives."""
    if isinstance(tree, ast.Constant):
        return ("a bytes literal" if isinstance(tree.value, bytes) else "a complex number"), ()
    return _UNWANTED.get(type(tree), (f"this construct ({type(tree).__name__})", ()))


_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_KEYWORDS = frozenset(keyword.kwlist)
_WORD = r"[^\W\d]\w*"
_LAST_WORD = r"\b([a-zA-Z]{2,8})\s*$"
_ASSIGNMENTS = ("+=", "-=", "*=", "/=", "//=", "%=", "**=", "@=", "&=", "|=", "^=")
#: What to write for a statement of Python.
_STATEMENTS = {
    "class": "declare a block under blocks",
    "def": "declare a block under blocks",
    "for": "repeat layers with Sequential(Layer() for i in range(3))",
    "from": "the names of torch need no import",
    "if": "write A if test else B",
    "import": "the names of torch need no import",
    "return": "a step gives the value of its expression: leave return out",
    "while": "repeat layers with Sequential(Layer() for i in range(3))",
}


def fault_of_syntax_error(error: SyntaxError, text: str, lead: int) -> Unreadable:
    """The fault behind a SyntaxError of the text without its `lead` leading blanks."""
    said = error.msg or "invalid syntax"
    # Python gives offset 0 if the text ends too early.
    offset = (error.offset or 0) - 1
    start = len(text.rstrip()) if offset < 0 else min(lead + offset, len(text))
    end = lead + (error.end_offset or 0) - 1
    end = min(end, len(text)) if end > start else min(start + 1, len(text))
    here = text[start:end]
    if not text.strip():
        return Unreadable("syntax", "an expression is expected here", 0, len(text))
    if "was never closed" in said:
        closer = _CLOSERS.get(here, ")")
        return Unreadable("syntax", f"{here} is never closed", start, end, f"no {closer} follows")
    if said.startswith("unmatched"):
        return Unreadable("syntax", f"{here} closes no bracket", start, end, help=(f"take one {here} away",))
    if said.startswith("closing parenthesis"):
        opened = re.search(r"opening parenthesis '(.)'", said)
        what = opened.group(1) if opened else "("
        return Unreadable("syntax", f"{here} closes a {what}", start, end, f"{_CLOSERS.get(what, ')')} is wanted")
    if "unterminated" in said or "EOF while scanning" in said:
        return Unreadable(
            "syntax", f"the string that {text[start : start + 1]} opens is never closed", start, len(text)
        )
    if "Perhaps you forgot a comma" in said:
        return Unreadable("syntax", "a comma is missing here", start, end, "two values without a comma")
    if "positional argument follows keyword" in said:
        # Python points at the closing bracket.
        fix = "put positional arguments first, or name this one too"
        return Unreadable("syntax", "a positional argument follows a keyword argument", start, end, help=(fix,))
    if "Generator expression must be parenthesized" in said:
        return Unreadable("syntax", "a loop next to other arguments needs its own brackets", start, end)
    if "leading zeros" in said:
        return Unreadable("syntax", "a number does not begin with 0", start, _word_end(text, start))
    if said.startswith("invalid character"):
        return Unreadable(
            "syntax", f"{here} (U+{ord(here[:1] or ' '):04X}) is not allowed in an expression", start, end
        )
    if "literal" in said and not said.startswith("f-string"):
        start = _number_start(text, start)
        end = _word_end(text, start)
        return Unreadable("syntax", f"{text[start:end]} is not a number", start, end)
    if "expected 'else'" in said:
        return Unreadable("syntax", "an if without an else", start, end, help=("write A if test else B",))
    if "too many nested" in said:
        return Unreadable("too-large", "brackets nest too deeply", start, end)
    if said.startswith("f-string"):
        return Unreadable("syntax", f"this {said.replace(': ', ' cannot be read: ', 1)}", 0, len(text))
    if "cannot assign" in said and (word := re.match(_WORD, here)) and word.group() in _KEYWORDS:
        return _reserved(word.group(), start, start + word.end())
    if "cannot contain assignment" in said or "cannot assign" in said:
        return Unreadable("syntax", "only a name can stand before =", start, end)
    return _unexpected(text, start, end)


def _unexpected(text: str, start: int, end: int) -> Unreadable:
    """The fault of an unexpected token."""
    here = text[start:end]
    if start >= len(text.rstrip()):
        return Unreadable("syntax", "the expression ends too early", start, start, "something is missing here")
    if here.startswith("->") or text.startswith("->", start):
        fix = "an assertion comes at the end of a step: Layer(…) -> 6x28x28"
        return Unreadable("syntax", "-> is not allowed here", start, start + 2, help=(fix,))
    if here in _KEYWORDS:
        return _reserved(here, start, end)
    if here in _ASSIGNMENTS:
        sign = here[:-1]
        help = (f"write {sign}: a step assigns to its own name",)
        return Unreadable("syntax", f"{here} is not allowed here", start, end, "", help, (start, end, sign))
    if here == ";":
        help = ("a step is one expression: leave ; out",)
        return Unreadable("syntax", "; is not allowed here", start, end, "", help, (start, len(text.rstrip()), ""))
    if here == "=" and (word := re.search(_LAST_WORD, text[:start])) and word.group(1) in _KEYWORDS:
        return _reserved(word.group(1), *word.span(1))
    if here == "=" and text[:start].rstrip().endswith("]"):
        methods = assigned(text[:start].strip(), text[end:].strip())
        return Unreadable("syntax", "a step cannot assign to an index", start, end, help=methods)
    if here == "=":
        fix = "a step's name comes before a colon: name: expression"
        named = re.fullmatch(rf"\s*{_WORD}\s*", text[:start]) is not None
        lead = len(text) - len(text.lstrip())
        after = len(text) - len(text[end:].lstrip())
        return Unreadable(
            "syntax", "= is not allowed here", start, end, "", (fix,), (lead, after, "") if named else None
        )
    if here == ":":
        return Unreadable(
            "syntax", ": is not allowed here", start, end, help=("a named argument is written name=value",)
        )
    if here == ":=":
        help = ("write the name and its value in parentheses: (name := value)",)
        return Unreadable("syntax", ":= is not allowed here", start, end, help=help)
    if here == "*":
        return Unreadable("syntax", "* is not allowed here", start, end)
    if here in (",", ")", "]"):
        return Unreadable("syntax", f"a value is wanted before {here}", start, end)
    if (before := text[:start].rstrip()) and (before[-1].isalnum() or before[-1] in ")]_'\""):
        return Unreadable("syntax", f"{here} cannot follow here", start, end, "an operator or a comma is missing")
    return Unreadable("syntax", f"{here} is not allowed here", start, end)


def _reserved(word: str, start: int, end: int) -> Unreadable:
    help = (_STATEMENTS[word],) if word in _STATEMENTS else ()
    instead = (start, end + 1, "") if word == "return" else None
    return Unreadable("syntax", f"{word} is a Python keyword and is not allowed here", start, end, "", help, instead)


def _number_start(text: str, start: int) -> int:
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "._"):
        start -= 1
    return start


def _word_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] in "._"):
        end += 1
    return max(end, start + 1)
