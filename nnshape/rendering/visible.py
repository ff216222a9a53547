"""Text from a spec, a file name or a setting, made safe to show.

It cannot hide text, control a terminal, or give commands to a CI system. `visible` treats one line, `guarded` a whole
document; both escape dangerous characters in the language of the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

#: Escapes one character.
Escape: TypeAlias = "Callable[[str], str]"
#: The language of an answer. `commands` are meant to be obeyed; `lines` are styled, and escaped when painted.
Language: TypeAlias = Literal["text", "json", "xml", "commands", "lines"]

#: Blanks other than the space that people type: they take the room that they seem to take.
_BLANKS = "\u00a0\u2009\u3000"
# Letters and marks that Unicode has renderers draw as nothing (Default_Ignorable_Code_Point); those of
# category Cf, such as the marks of direction, are not printable to Python either.
_DRAWN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# The last character of a match is the one to escape:
# - GitHub takes `::name` at the start of a line, blanks aside, and `##[name]` anywhere in one
#   (actions/runner, ActionCommand.cs); TeamCity takes `##teamcity[`, and Azure `##vso[`;
# - GitLab takes `section_start:` and `section_end:`.
_COMMAND = re.compile(r"\A\s*:(?=:)|#(?=#\w*\[)|(?<=section_start):|(?<=section_end):")
_HINT = re.compile("::|##|section_")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def in_text(sign: str) -> str:
    r"""An escape as in Python and C: `\n`, `\x1b`, `\u202e`."""
    code = ord(sign)
    form = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT.get(sign, form)


def in_json(sign: str) -> str:
    """An escape of a JSON string: a reader gets the same value."""
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def in_xml(sign: str) -> str:
    """A character reference, if XML 1.0 allows the character (section 2.2, Char)."""
    code = ord(sign)
    legal = sign in "\t\n\r" or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF
    return f"&#{code};" if legal else in_text(sign)


def in_patch(sign: str) -> str:
    """The escape for an exact patch, which needs tabs, the byte order mark and Unicode's line separators to apply."""
    return sign if sign in "\t\ufeff\x85\u2028\u2029" else in_text(sign)


def in_percent(sign: str) -> str:
    """The bytes of UTF-8, or those that a file name holds where it is not UTF-8, as a URL writes them."""
    try:
        data = sign.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = sign.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def visible(text: str, escape: Escape = in_text) -> str:
    """One line of text; line ends in it are escaped too."""
    return text if _is_plain(text) else "".join(visible_signs(text, escape))


def visible_signs(text: str, escape: Escape = in_text) -> list[str]:
    """The shown form of each character of a line."""
    shown = [escape(sign) if _is_hidden(sign) else sign for sign in text]
    for match in _COMMAND.finditer(text):
        shown[match.end() - 1] = escape(match[0][-1])
    return shown


def guarded(text: str, escape: Escape = in_text) -> str:
    """A document with every line made visible."""
    return "\n".join([visible(line, escape) for line in text.split("\n")])


def guarded_patch(text: str, *, exact: bool) -> str:
    """A unified diff: `exact` for `patch`, or escaped for display. Line ends stay unchanged."""
    escape = in_patch if exact else in_text
    lines = [(line[:-1], "\r") if line.endswith("\r") else (line, "") for line in text.split("\n")]
    return "\n".join([visible(line, escape) + end for line, end in lines])


def _is_plain(text: str) -> bool:
    if not text.isprintable() or _HINT.search(text):
        return False
    return text.isascii() or not _DRAWN_AS_NOTHING.search(text)


def _is_hidden(sign: str) -> bool:
    if sign.isprintable():
        return not sign.isascii() and _DRAWN_AS_NOTHING.match(sign) is not None
    return sign not in _BLANKS


#: The escape of each language.
ESCAPES: dict[Language, Escape] = {
    "text": in_text, "json": in_json, "xml": in_xml, "commands": in_text, "lines": in_text,
}  # fmt: skip
