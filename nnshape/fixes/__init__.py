"""Finds small edits that fix a failing model, and applies them to its file. Never imports torch."""

from nnshape.fixes.editing import Edit, edited, unified_diff
from nnshape.fixes.fix_rounds import FixedText, apply_fixes
from nnshape.fixes.rewriting import rewrite
from nnshape.fixes.searching import Search, explained, fixes
from nnshape.problems import Fix

__all__ = [
    "Edit",
    "Fix",
    "FixedText",
    "Search",
    "apply_fixes",
    "edited",
    "explained",
    "fixes",
    "rewrite",
    "unified_diff",
]
