"""Regular expressions that mean the same to Python and to the JavaScript and Java of editors.

Theirs take `\\w` for ASCII alone, so a letter is what is no blank, no digit and no sign of ASCII: a
name in any script passes. Each pattern takes what the reader takes and little more, in linear time.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from nnshape.shapes.dtypes import DTYPES
from nnshape.spec.naming_rules import LANGUAGE, MODULE_ATTRIBUTES

_SIGNS = r"\s!-/:-@\[-^`{-~"
_NAME = rf"[^\d{_SIGNS}][^{_SIGNS}]*"
_ONE_SAMPLE_NAME = rf"[^\dx{_SIGNS}][^x{_SIGNS}]*"
# Brackets within brackets, as deep as a size is written; a comma stands only in those of a call.
_CALL = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_BRACKETED = rf"\((?:[^(),]|{_CALL})*\)"


def whole(pattern: str) -> str:
    """A pattern of the reader's, which it holds against the whole of a text, as one of a schema."""
    return f"^(?:{pattern})$".replace(r"[^\W\d]\w*", _NAME)


def name(*allowed: str) -> str:
    """A user-defined name: neither a Python keyword nor a reserved word, except those allowed."""
    return f"^{_but_no({*keyword.kwlist, *LANGUAGE} - {*allowed})}{_NAME}$"


def step_name() -> str:
    """The name of a step, which becomes an attribute of a module; digits too, as in a list."""
    return f"^(?:[0-9]+|{_but_no({*keyword.kwlist, *LANGUAGE, *MODULE_ATTRIBUTES})}{_NAME})$"


def signature() -> str:
    """The key of a block: `Name`, `Name(p, q=1)`, `Name(p)(x[N, T], mask=None)`."""
    return rf"^\s*{_but_no({*keyword.kwlist, *LANGUAGE})}{_NAME}\s*(?:\(.*\)\s*)?$"


def _but_no(words: Iterable[str]) -> str:
    """That none of these words, as a whole, and no two underscores begin here."""
    return rf"(?!__|(?:{'|'.join(sorted(words))})\s*(?:\(|$))"


def shape() -> str:
    """A shape as text: `1x32x32`, `16 x (H//2) x W`, `[N, 1, H, W]`, `int64[N, T]`."""
    brackets = rf"(?:(?:torch\.)?(?:{'|'.join(sorted(DTYPES))})\s*)?\[.*\]"
    size = rf"(?:\d+|{_BRACKETED}|{_ONE_SAMPLE_NAME})"
    # With blanks around it the x separates, so that a name may hold one.
    spaced = rf"(?:\d+(?:x\d+)*|{_BRACKETED}|{_NAME})"
    return rf"^\s*(?:{brackets}|{size}(?:\s*x\s*{size})*|{spaced}(?:\s+x\s+{spaced})+)\s*$"


def named(*names: str) -> str:
    """One of these names, whatever stands before its last dot."""
    return rf"(?:^|\.)(?:{'|'.join(names)})$"


#: What begins with a capital behind its last dot: a class.
CLASS = r"^(?:[^.]*\.)*[A-Z][^.]*$"
#: A class that is torch's, or written without a prefix; and one that can be torch's alone.
TORCH_CLASS = r"^(?:(?:torch|nn)\.)*[A-Z][^.]*$"
PREFIXED_CLASS = r"^(?:(?:torch|nn)\.)+[A-Z][^.]*$"
#: A function that is torch's, or another name without a prefix.
TORCH_FUNCTION = r"^(?:(?:torch|nn|functional|F|fft|linalg|special)\.)*[^A-Z.][^.]*$"
