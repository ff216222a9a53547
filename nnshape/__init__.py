"""nnshape: the shape of every tensor in a PyTorch model, computed at once and then proved on the real modules.

Importing nnshape does not import torch; `build` and `verify` do.
"""

# This file imports nothing until a name is used, not even __future__ or typing: `python -m nnshape` runs it
# while the current folder is first on sys.path, and would run a file of the same name there. See __main__.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from nnshape.api import Problem, Spec, SpecError, Trace, build, find_fixes, load, loads, render, trace, verify

__version__ = "0.1.0"
__all__ = [
    "Problem", "Spec", "SpecError", "Trace", "build", "find_fixes", "load", "loads", "render", "trace", "verify",
]  # fmt: skip

if not TYPE_CHECKING:  # with `__getattr__`, a type checker would accept any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from nnshape import api

        value = globals()[name] = getattr(api, name)
        return value

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__"])
