"""The cache that the options ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError

if TYPE_CHECKING:
    from nnshape.checking.outcome_cache import Cache


def opened_cache(named: str | None, paths: Sequence[str]) -> Cache:
    """The cache in the folder of `--cache-dir`, else in the user's own.

    The user's own is passed over in silence where it cannot be trusted, or lies in the tree of one of the paths.
    Raises SpecError for a named folder that cannot be used.
    """
    from nnshape.cache import folder_for
    from nnshape.checking.outcome_cache import Cache

    if named is None:
        return Cache(folder_for(paths))
    cache = Cache(named)
    try:
        cache.store.check()
    except OSError as error:
        raise _refused(f"cannot keep answers in {named}", error, "cache_dir") from None
    return cache


def cleared_cache(named: str | None) -> None:
    """Empty the cache. Raises SpecError where its folder is not one that nnshape made for this user."""
    from nnshape.cache import cache_folder
    from nnshape.checking.outcome_cache import Cache

    folder = named or cache_folder()
    try:
        Cache(folder).store.clear()
    except OSError as error:
        raise _refused(f"cannot clear the cache in {folder}", error, "clear_cache") from None


def _refused(message: str, error: OSError, argument: str) -> SpecError:
    reason = error.strerror or str(error)
    return SpecError(Problem("unwritable", f"{message}: {reason}", argument=argument))
