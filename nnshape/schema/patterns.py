"""Regular expressions with the same meaning in Python and in the JavaScript and Java of editors.

There, `\\w` is ASCII only, so a letter is any character but blanks, digits and ASCII punctuation: names in any
script match. Each pattern accepts all that the reader accepts and little more, in linear time.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from nnshape.shapes.dtypes import DTYPES
from nnshape.spec.naming_rules import LANGUAGE
from nnshape.spec.shape_patterns import FUNCTIONS

_SIGNS = r"\s!-/:-@\[-^`{-~"
_SIGNS_BUT_HYPHEN = r"\s!-,./:-@\[-^`{-~"
_NAME = rf"[^\d{_SIGNS}][^{_SIGNS}]*"
_ONE_SAMPLE_NAME = rf"[^\dx{_SIGNS}][^x{_SIGNS}]*"
# Nested brackets, as deep as sizes need; only those of a call contain commas.
_CALL = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_BRACKETED = rf"\((?:[^(),]|{_CALL})*\)"


def whole(pattern: str) -> str:
    """A pattern of the reader, which must match a whole text, as a pattern of a schema."""
    return f"^(?:{pattern})$".replace(r"[^\W\d]\w*", _NAME)


def name(*allowed: str) -> str:
    """A user-defined name: neither a Python keyword nor a reserved word, except those allowed."""
    return f"^{_but_no({*keyword.kwlist, *LANGUAGE} - {*allowed})}{_NAME}$"


def step_name() -> str:
    """The name of a step, which may begin with a digit, hold hyphens and be a Python keyword."""
    return f"^{_but_no(LANGUAGE)}[^{_SIGNS}][^{_SIGNS_BUT_HYPHEN}]*$"


def signature() -> str:
    """The key of a block: `Name`, `Name(p, q=1)`, `Name(p)(x[N, T], mask=None)`."""
    return rf"^\s*{_but_no({*keyword.kwlist, *LANGUAGE})}{_NAME}\s*(?:\(.*\)\s*)?$"


def _but_no(words: Iterable[str]) -> str:
    """That none of these words, as a whole, and no two underscores begin here."""
    return rf"(?!__|(?:{'|'.join(sorted(words))})\s*(?:\(|$))"


def shape() -> str:
    """A shape as text: `1x32x32`, `16 x (H//2) x W`, `[N, 1, H, W]`, `int64[N, T]`."""
    brackets = rf"(?:(?:torch\.)?(?:{'|'.join(sorted(DTYPES))})\s*)?\[.*\]"
    function = rf"(?:{'|'.join(FUNCTIONS)}){_CALL}"
    size = rf"(?:\d+|{function}|{_BRACKETED}|{_ONE_SAMPLE_NAME})"
    # With blanks around it, x is a separator, so that a name may contain an x.
    spaced = rf"(?:\d+(?:x\d+)*|{function}|{_BRACKETED}|{_NAME})"
    return rf"^\s*(?:{brackets}|{size}(?:\s*x\s*{size})*|{spaced}(?:\s+x\s+{spaced})+)\s*$"


def named(*names: str) -> str:
    """One of these names, after any prefix with dots."""
    return rf"(?:^|\.)(?:{'|'.join(names)})$"


#: A class: the last part begins with a capital.
CLASS = r"^(?:[^.]*\.)*[A-Z][^.]*$"
#: A class of torch, or one without a prefix; and a class that can only be torch's.
TORCH_CLASS = r"^(?:(?:torch|nn)\.)*[A-Z][^.]*$"
PREFIXED_CLASS = r"^(?:(?:torch|nn)\.)+[A-Z][^.]*$"
#: A function of torch, or another name without a prefix.
TORCH_FUNCTION = r"^(?:(?:torch|nn|functional|F|fft|linalg|special)\.)*[^A-Z.][^.]*$"
