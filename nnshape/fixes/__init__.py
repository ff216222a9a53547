"""Searches small edits that make a failing model trace, and puts them into its file. Imports no torch."""

from nnshape.fixes.editing import Edit, edited, unified_diff
from nnshape.fixes.fix import Fix
from nnshape.fixes.rewriting import rewrite
from nnshape.fixes.searching import Search, explained, fixes
from nnshape.fixes.settling import Settled, settled

__all__ = ["Edit", "Fix", "Search", "Settled", "edited", "explained", "fixes", "rewrite", "settled", "unified_diff"]
