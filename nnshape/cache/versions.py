"""The inputs of an answer other than the spec: the versions of nnshape, Python, PyYAML and torch."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.util import find_spec

import nnshape


def versions() -> tuple[str, ...]:
    """The parts of a key for the installation; torch is located, but not imported."""
    import yaml  # type: ignore[import-untyped,unused-ignore]

    yaml_kind = f"{yaml.__version__} {getattr(yaml, '__with_libyaml__', False)}"
    return (nnshape.__version__, _fingerprint(), sys.version, sys.platform, yaml_kind, *_torch())


def _torch() -> tuple[str, ...]:
    """The location and the version file of the torch that an import would load; empty without torch.

    The metadata of a distribution may belong to another copy.
    """
    try:
        found = find_spec("torch")
    except (ImportError, ValueError):
        return ("unknown",)
    if found is None:
        return ()
    texts = []
    for folder in found.submodule_search_locations or ():
        try:
            with open(os.path.join(folder, "version.py"), encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        except OSError:
            texts.append("")
    return (str(found.origin), *texts)


def _fingerprint() -> str:
    """A digest of nnshape's own code, which changes in a checkout without a new version.

    It excludes the command line and the formats, whose output is not cached.
    """
    digest = hashlib.sha256()
    package = os.path.dirname(os.path.abspath(nnshape.__file__))
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "cli", "rendering"))
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    digest.update(b"%s\0%s\0" % (os.fsencode(path[len(package) :]), file.read()))
    return digest.hexdigest()
