"""What the shell completes: names from the file on the line, layers, kinds and devices.

A completion never imports torch, never prints, and never raises: whatever goes wrong, nothing is offered.
Only plain words are offered, because zsh evaluates what it gets, and the names may come from a hostile file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from nnshape.spec import Spec

_PLAIN = re.compile(r"[\w.:/@+-]+=?", re.ASCII)
_MAX_OFFERED = 1_000
#: How long a person waits for a completion. A file that takes longer to trace offers its own steps only.
_PATIENCE_SECONDS = 2.0


def variants(ctx: typer.Context, incomplete: str) -> list[str]:
    """The variants of the file on the line."""
    return _offered(lambda: _from_file(ctx, lambda spec: spec.variants), incomplete)


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """The hparams and symbolic sizes of the file on the line, each with its `=`."""
    return _offered(lambda: _from_file(ctx, lambda spec: [f"{n}=" for n in (*spec.hparams, *spec.dims)]), incomplete)


def inputs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The inputs of the file on the line, each with its `=`."""
    return _offered(lambda: _from_file(ctx, lambda spec: [f"{input.name}=" for input in spec.inputs]), incomplete)


def steps(ctx: typer.Context, incomplete: str) -> list[str]:
    """The paths of the steps of the file on the line, one level at a time."""
    return _offered(lambda: _one_level(_from_file(ctx, lambda spec: _paths(ctx, spec)), incomplete), incomplete)


def layers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Every layer and function that has a rule."""
    if ctx.params.get("step") is not None:
        return []
    return _offered(_rules, incomplete)


def subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """What `explain` takes instead of a file; a name of several dots or slashes is left to the shell."""

    def every() -> Iterable[str]:
        from nnshape.problems.kinds import kind_names
        from nnshape.spec.words import WORDS

        return [*_rules(), *kind_names(), *WORDS]

    return _offered(every, incomplete) if incomplete else []


def devices(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names that every machine may know; `cuda:1` and its like are left to the person."""
    return _offered(lambda: ("meta", "cpu", "cuda", "mps", "none"), incomplete)


def real_devices(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of devices that hold values."""
    return _offered(lambda: ("cpu", "cuda", "mps"), incomplete)


def _offered(find: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    try:
        found = [name for name in find() if name.startswith(incomplete) and _PLAIN.fullmatch(name)]
    except Exception:  # a completion has nobody to tell
        return []
    return found[:_MAX_OFFERED]


def _rules() -> list[str]:
    from nnshape.shapes.functions import all_functions
    from nnshape.shapes.layers import all_layers

    return [*all_layers(), *all_functions()]


def _from_file(ctx: typer.Context, read: Callable[[Spec], Iterable[str]]) -> Iterable[str]:
    """Read names from the file on the line; standard input and devices are never read."""
    import os

    import nnshape

    # Where the line ends in an option without its value, the parser leaves the file among the words not yet taken.
    for word in (ctx.params.get("file"), ctx.params.get("subject"), *ctx.args):
        if isinstance(word, str) and os.path.isfile(word):
            return read(nnshape.load(word))
    return ()


def _paths(ctx: typer.Context, spec: Spec) -> list[str]:
    """The path of every step as traced with the options on the line; the file's own steps where that fails."""
    from nnshape.cli.tracing import overrides_of
    from nnshape.explain import EXPLAINER
    from nnshape.tracing import trace_spec

    def traced() -> list[str]:
        options: dict[str, Any] = {"input": ctx.params.get("inputs"), "variant": ctx.params.get("variant")}
        overrides = overrides_of(ctx.params.get("settings") or ())
        trace = trace_spec(spec, explainer=EXPLAINER, overrides=overrides, **options)
        return list(dict.fromkeys(call.path for call in trace.calls))

    return within(_PATIENCE_SECONDS, traced) or [step.name for step in spec.body.steps]


def within(seconds: float, work: Callable[[], list[str]]) -> list[str]:
    """What the work finds in the given time; nothing where it takes longer, or fails."""
    found: list[str] = []

    def run() -> None:
        try:
            found.extend(work())
        except Exception:  # see `_offered`
            return

    # The process ends when the completion is printed, and a daemon thread ends with it.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def _one_level(paths: Iterable[str], incomplete: str) -> list[str]:
    """The paths that continue what was typed by at most one dot: `h` offers `h`, and then `h.0`, `h.1`, …"""
    level = incomplete.count(".")
    found = [path for path in paths if path.startswith(incomplete)]
    deeper = level + 1 if incomplete in found else level
    return [path for path in found if path.count(".") <= deeper]
