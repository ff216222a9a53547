"""Writes the indexes that say which file declares a layer or function: python tests/index.py [--check].

An index is imported in place of the files, so that a name costs the import of its own file alone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from textwrap import fill

#: Where the layers and the functions are registered.
_HOME = {"layers": "nnshape.shapes.layer_base", "functions": "nnshape.shapes.function"}
ROOT = Path(__file__).parent.parent
_MODULE = '''"""The file of this folder that declares each name. Written by `python tests/index.py`."""

_NAMES = """
{names}
"""

FAMILY_OF = {{
    name: family
    for family, _, names in (entry.strip().partition(": ") for entry in _NAMES.split("\\n\\n"))
    for name in names.split()
}}
'''
_FUNCTIONAL = '''
_FUNCTIONAL = """
{pairs}
"""

#: The layer that declares each function as its functional form; the first if there are several.
LAYER_OF = dict(pair.split("=") for pair in _FUNCTIONAL.split())
'''


def index(kind: str) -> str:
    """The index of all layers, or of all functions."""
    registry = import_module(_HOME[kind]).REGISTRY
    families = import_module(f"nnshape.shapes.{kind}").FAMILIES
    names: dict[str, list[str]] = {family: [] for family in families}
    known: set[str] = set()
    for family in families:
        import_module(f"nnshape.shapes.{kind}.{family}")
        for name in sorted(registry.keys() - known):
            declared_in = registry[name].__module__ if kind == "layers" else registry[name].rule.__module__
            # The rules that a shared factory makes stand in the factory's file.
            own = declared_in.rpartition(".")[2]
            names[own if own in names else family].append(name)
        known |= registry.keys()
    entries = [fill(f"{family}: {' '.join(found)}", 118, break_on_hyphens=False) for family, found in names.items()]
    return _MODULE.format(names="\n\n".join(entries)) + (_functional(names) if kind == "layers" else "")


def _functional(names: dict[str, list[str]]) -> str:
    """The functional forms that the layers declare, in the order of the families."""
    registry = import_module(_HOME["layers"]).REGISTRY
    layers = [registry[name] for found in names.values() for name in found]
    pairs: dict[str, str] = {}
    for layer in layers:
        if layer.functional is not None:
            pairs.setdefault(layer.functional.name, layer.__name__)
    written = " ".join(f"{function}={layer}" for function, layer in pairs.items())
    return _FUNCTIONAL.format(pairs=fill(written, 118, break_on_hyphens=False))


def main() -> None:
    """Write both indexes, or with --check say which one is out of date."""
    for kind in ("functions", "layers"):  # the layers import their functional twins
        path = ROOT / "nnshape" / "shapes" / kind / "index.py"
        text = index(kind)
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif path.read_text("utf-8") != text:
            raise SystemExit(f"{path.relative_to(ROOT)} is out of date: run python tests/index.py")


if __name__ == "__main__":
    main()
