"""A cache of small JSON documents, in a folder that only the user may write to."""

from nnshape.cache.folder import UnusableFolderError, cache_folder, folder_for
from nnshape.cache.store import Store
from nnshape.cache.versions import versions

__all__ = ["Store", "UnusableFolderError", "cache_folder", "folder_for", "versions"]
