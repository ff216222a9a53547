"""nnshape: what every layer of a model does to the tensor's shape, said at once and then proved.

Importing nnshape imports no torch; `build` and `verify` do.
"""

# This file imports nothing until a name is used, not even __future__ or typing: `python -m nnshape` runs it
# while the current folder is first on sys.path, and a file of that name there would run. See __main__.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from nnshape.api import Problem, Spec, SpecError, Trace, build, find_fixes, load, loads, render, trace, verify

__version__ = "0.1.0"
__all__ = [
    "Problem", "Spec", "SpecError", "Trace", "build", "find_fixes", "load", "loads", "render", "trace", "verify",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker would take any name for one of the module's

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from nnshape import api

        value = globals()[name] = getattr(api, name)
        return value

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__"])
