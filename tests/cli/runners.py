"""The rules by which CI systems find commands in what a job prints, and which signs hide in a text or steer a terminal.

- GitHub: ActionCommand.TryParseV2 (`::name …::`, blanks before it trimmed) and TryParse (`##[name …]`, anywhere in a
  line), https://github.com/actions/runner. Its reader ends a line at CR, LF or both, and it compares as a language
  does, so that signs without a width count for nothing.
- Azure takes `##vso[…]` and TeamCity `##teamcity[…]` anywhere in a line; GitLab takes `section_start:TIME:NAME`.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_END = re.compile("\r\n|\r|\n")
_ANYWHERE = re.compile(r"##\w*\[[^\]]*\]?|section_(?:start|end):\d*")
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"


def commands_in(data: bytes) -> list[str]:
    """Every command in the bytes, as the text from its first sign to the end of its line."""
    found = []
    whole = data.decode("utf-8", "surrogateescape")
    without_width = dict.fromkeys(ord(sign) for sign in set(whole) if draws_nothing(sign) and not sign.isspace())
    for line in _LINE_END.split(whole):
        text = line.translate(without_width).lstrip()
        if text.startswith("::") and "::" in text[2:]:
            found.append(text)
        found += [text[match.start() :] for match in _ANYWHERE.finditer(text)]
    return found


def draws_nothing(sign: str) -> bool:
    """Whether a sign is a control, a mark of direction, or takes no room of its own."""
    selector = "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef" or "\u180b" <= sign <= "\u180f"
    return unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") or selector or sign in _FILLERS


def hidden_in(data: bytes) -> set[str]:
    """The signs that nobody sees, newlines apart."""
    return {sign for sign in set(data.decode("utf-8", "surrogateescape")) if draws_nothing(sign)} - {"\n"}
