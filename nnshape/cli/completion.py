"""Shell completion: names from the file on the line, layers, kinds of problem, and devices.

A completion never imports torch, prints nothing, and offers nothing on an error. It offers only plain words: zsh
evaluates completions, and the names may come from a hostile file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from nnshape.spec import Spec

_PLAIN = r"[A-Za-z0-9_.:/@+][A-Za-z0-9_.:/@+-]*=?"
_MAX_OFFERED = 1_000
#: For a file that takes longer to trace, completion offers the steps in its text.
_PATIENCE_SECONDS = 2.0


def variants(ctx: typer.Context, incomplete: str) -> list[str]:
    """The variants of the file on the line."""
    return _offered(incomplete, lambda: _from_file(ctx, lambda spec: spec.variants))


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """The hparams and symbolic sizes of the file on the line, each with its `=`."""
    return _offered(incomplete, lambda: [f"{name}=" for name in _from_file(ctx, _settable)])


def inputs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The inputs of the file on the line, each with its `=`."""
    return _offered(incomplete, lambda: _from_file(ctx, lambda spec: [f"{input.name}=" for input in spec.inputs]))


def steps(ctx: typer.Context, incomplete: str) -> list[str]:
    """The paths of the steps of the file on the line, one level at a time."""
    return _offered(incomplete, lambda: _one_level(_from_file(ctx, lambda spec: _paths(ctx, spec)), incomplete))


def layers(incomplete: str) -> list[str]:
    """Every layer and function that has a rule."""
    return _offered(incomplete, _rules)


def subjects(incomplete: str) -> list[str]:
    """Layers, functions, kinds of problem, topics, and matching spec files; nothing for an empty word."""
    return _offered(incomplete, lambda: [*_files(incomplete), *_rules(), *_pages()]) if incomplete else []


def dtypes(incomplete: str) -> list[str]:
    """The dtypes that a whole model can have."""
    return _offered(incomplete, _default_dtypes)


def _default_dtypes() -> Iterable[str]:
    from nnshape.shapes.dtypes import DEFAULTS

    return DEFAULTS


def devices(incomplete: str) -> list[str]:
    """The devices by name, without numbers as in `cuda:1`."""
    return _offered(incomplete, lambda: ("auto", "cpu", "meta", "cuda", "mps", "none"))


def build_devices(incomplete: str) -> list[str]:
    """The devices on which a model can be built."""
    return _offered(incomplete, lambda: ("cpu", "cuda", "mps", "meta"))


def _offered(incomplete: str, find: Callable[[], Iterable[str]]) -> list[str]:
    try:
        found = [name for name in find() if name.startswith(incomplete) and re.fullmatch(_PLAIN, name)]
    except Exception:  # a completion cannot show messages
        return []
    return found[:_MAX_OFFERED]


def _rules() -> list[str]:
    from nnshape.shapes.functions import index as functions
    from nnshape.shapes.layers import index as layers

    return [*layers.FAMILY_OF, *functions.FAMILY_OF]


def _pages() -> list[str]:
    from nnshape.guide import topics
    from nnshape.problems.kinds import kind_names
    from nnshape.spec.words import WORDS

    return [*kind_names(), *WORDS, *topics()]


def _files(incomplete: str) -> list[str]:
    """The matching spec files and folders; a shell that receives other words adds no files itself."""
    import os

    from nnshape.spec.files import SUFFIXES

    folder, start = os.path.split(incomplete)
    with os.scandir(folder or ".") as entries:
        found = [
            (os.path.join(folder, entry.name), entry.is_dir()) for entry in entries if entry.name.startswith(start)
        ]
    found.sort()
    return [f"{path}/" if is_folder else path for path, is_folder in found if is_folder or path.endswith(SUFFIXES)]


def _from_file(ctx: typer.Context, names: Callable[[Spec], Iterable[str]]) -> Iterable[str]:
    """Names from the file on the line. Standard input, pipes and devices are not read: they may block or never end."""
    import os

    import nnshape

    # If the line ends with an option without a value, the parser leaves the file among the unparsed words.
    for word in (ctx.params.get("file"), ctx.params.get("subject"), *ctx.args):
        if isinstance(word, str) and os.path.isfile(word):
            return names(nnshape.load(word))
    return ()


def _settable(spec: Spec) -> list[str]:
    """The names for `--set`, except sizes that occur only in expressions."""
    from nnshape.spec.nodes import Name

    patterns = [input.pattern for input in spec.inputs if input.pattern is not None]
    sizes = [dim.id for pattern in patterns for dim in pattern.dims if isinstance(dim, Name)]
    return [name for name in dict.fromkeys((*spec.hparams, *spec.dims, *sizes)) if name != "N"]


def _paths(ctx: typer.Context, spec: Spec) -> list[str]:
    """The path of every step, traced with the options on the line; if that fails, the steps in the file."""
    from nnshape.cli.tracing import overrides_of
    from nnshape.explain import EXPLAINER
    from nnshape.tracing import trace_spec

    def traced() -> list[str]:
        given = ctx.params
        # Without `measuring`, a layer without a rule stays unknown and torch is not imported.
        trace = trace_spec(
            spec,
            explainer=EXPLAINER,
            input=given.get("inputs") or None,
            overrides=overrides_of(given.get("settings"), spec.hparams),
            variant=given.get("variant"),
        )
        return list(dict.fromkeys(call.path for call in trace.calls))

    return within(_PATIENCE_SECONDS, traced) or [step.name for step in spec.body.steps]


def within(seconds: float, work: Callable[[], list[str]]) -> list[str]:
    """The result of the work; empty if it takes longer than this or fails."""
    from threading import Thread

    found: list[str] = []

    def run() -> None:
        try:
            found.extend(work())
        except Exception:  # as in `_offered`
            return

    # The process ends once the words are printed, and the daemon thread with it.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def _one_level(paths: Iterable[str], incomplete: str) -> list[str]:
    """The paths at most one level below the typed one: `h` offers `h`, `h.0`, `h.1`, but not `h.0.attn`."""
    found = [path for path in paths if path.startswith(incomplete)]
    deepest = incomplete.count(".") + (incomplete in found)
    return [path for path in found if path.count(".") <= deepest]
