"""The kinds of problem: one line each, with the severity and whether nnshape searches for a fix.

To add a kind, name it in `KindName`, add its line to `KINDS`, and write its page, `nnshape/problems/NAME.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

from nnshape.records import dataclass

if TYPE_CHECKING:
    from nnshape.problems import Severity

KindName: TypeAlias = Literal[
    "ambiguous-name",
    "circular",
    "duplicate-key",
    "empty-output",
    "fails-in-training",
    "fixed-batch",
    "import-refused",
    "include-refused",
    "index-error",
    "internal-error",
    "invalid-argument",
    "invalid-name",
    "loses-batch",
    "missing-argument",
    "missing-key",
    "mixes-samples",
    "not-contiguous",
    "not-divisible",
    "over-budget",
    "restricted-batch",
    "scrambled",
    "silent-broadcast",
    "size-mismatch",
    "swallows-batch",
    "syntax",
    "too-large",
    "torch-disagrees",
    "unavailable-device",
    "unchecked",
    "unexpected-shape",
    "unknown-argument",
    "unknown-key",
    "unknown-layer",
    "unknown-name",
    "unknown-value",
    "unmeasured",
    "unproved",
    "unreadable",
    "unused-ignore",
    "unused-step",
    "unwritable",
    "wrong-dtype",
    "wrong-rank",
    "wrong-type",
]
#: No kind always has a fix: nnshape offers a fix only if the edited model traces without the problem.
FixAvailability: TypeAlias = Literal["sometimes", "never"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """The usual severity of a kind, and whether `nnshape.find_fixes` searches for fixes."""

    severity: Severity
    fix: FixAvailability = "never"


KINDS: dict[KindName, Declaration] = {
    "ambiguous-name": Declaration("error"),
    "circular": Declaration("error"),
    "duplicate-key": Declaration("error"),
    "empty-output": Declaration("error", fix="sometimes"),
    "fails-in-training": Declaration("warning"),
    "fixed-batch": Declaration("error", fix="sometimes"),
    "import-refused": Declaration("error"),
    "include-refused": Declaration("error"),
    "index-error": Declaration("error", fix="sometimes"),
    "internal-error": Declaration("error"),
    "invalid-argument": Declaration("error", fix="sometimes"),
    "invalid-name": Declaration("error"),
    "loses-batch": Declaration("warning", fix="sometimes"),
    "missing-argument": Declaration("error", fix="sometimes"),
    "missing-key": Declaration("error"),
    "mixes-samples": Declaration("warning", fix="sometimes"),
    "not-contiguous": Declaration("error", fix="sometimes"),
    "not-divisible": Declaration("error", fix="sometimes"),
    "over-budget": Declaration("error"),
    "restricted-batch": Declaration("warning", fix="sometimes"),
    "scrambled": Declaration("warning", fix="sometimes"),
    "silent-broadcast": Declaration("warning", fix="sometimes"),
    "size-mismatch": Declaration("error", fix="sometimes"),
    "swallows-batch": Declaration("warning", fix="sometimes"),
    "syntax": Declaration("error", fix="sometimes"),
    "too-large": Declaration("error"),
    "torch-disagrees": Declaration("error"),
    "unavailable-device": Declaration("error"),
    "unchecked": Declaration("warning"),
    "unexpected-shape": Declaration("error", fix="sometimes"),
    "unknown-argument": Declaration("error", fix="sometimes"),
    "unknown-key": Declaration("error", fix="sometimes"),
    "unknown-layer": Declaration("error", fix="sometimes"),
    "unknown-name": Declaration("error", fix="sometimes"),
    "unknown-value": Declaration("error"),
    "unmeasured": Declaration("warning"),
    "unproved": Declaration("warning"),
    "unreadable": Declaration("error"),
    "unused-ignore": Declaration("warning"),
    "unused-step": Declaration("warning"),
    "unwritable": Declaration("error"),
    "wrong-dtype": Declaration("error", fix="sometimes"),
    "wrong-rank": Declaration("error", fix="sometimes"),
    "wrong-type": Declaration("error", fix="sometimes"),
}


def kind_names() -> tuple[KindName, ...]:
    """The names of all kinds, in alphabetical order."""
    return tuple(KINDS)


def is_kind(name: str) -> TypeGuard[KindName]:
    """Whether a kind of problem has this name."""
    return name in KINDS
