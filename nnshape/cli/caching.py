"""Opens and clears the cache that the options select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem, SpecError

if TYPE_CHECKING:
    from nnshape.checking.outcome_cache import Cache
    from nnshape.proofs.proof_cache import ProofCache


def opened_cache(named: str | None, paths: Sequence[str]) -> Cache:
    """The outcomes of checks, in the folder of `opened_folder`."""
    from nnshape.checking.outcome_cache import Cache

    return Cache(opened_folder(named, paths))


def opened_proofs(named: str | None, file: str, options: Mapping[str, Any]) -> ProofCache:
    """The proofs of one file's models, in the folder of `opened_folder`; `options` are those of the trace."""
    from nnshape.proofs.proof_cache import ProofCache

    return ProofCache(opened_folder(named, [file]), options)


def opened_folder(named: str | None, paths: Sequence[str]) -> str | None:
    """The folder of `--cache-dir`, else the user's own.

    The user's own is passed over in silence where it cannot be trusted, or lies in the tree of one of the paths.
    Raises SpecError for a named folder that cannot be used.
    """
    from nnshape.cache import Store, folder_for

    if named is None:
        return folder_for(paths)
    try:
        Store(named, "").check()
    except OSError as error:
        raise _refused(f"cannot keep answers in {named}", error, "cache_dir") from None
    return named


def cleared_cache(named: str | None) -> None:
    """Empty the cache. Raises SpecError if nnshape did not create its folder for this user."""
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
