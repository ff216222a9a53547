"""Counts for how many refused mutations a fix is offered: `python tests/fixes/fix_rate.py 100`. Needs no torch run.

Each file of the gallery is mutated so often. A mutation that nnshape refuses counts for the kind
of its first error. Each fix is applied to the text, which is read and traced anew: the fix must remove its problem,
and add no error, no warning about samples and no condition on N. With `--unfixed KIND`, prints the problems of a kind
that got no fix, with the mutations. `figures.py` runs the fixes on real modules.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

from figures import changed
from gallery import NAMES, SIZES, text_of, without_counts
from mutating import mutated

import nnshape
from nnshape.fixes import edited
from nnshape.problems import Problem
from nnshape.shapes.dims import symbols_of
from nnshape.tracing import Trace

CONFIGS = Path(__file__).parents[2] / "configs"
#: The warnings that a fix must not add.
HARMFUL = ("loses-batch", "mixes-samples", "restricted-batch", "scrambled", "silent-broadcast", "swallows-batch")


def texts() -> dict[str, str]:
    """The text of each file of the gallery that includes no other, by its name: small, or in its own sizes."""
    own = {path.stem: without_counts(path.read_text("utf-8")) for path in sorted(CONFIGS.glob("*.yaml"))}
    whole = {name: text for name, text in own.items() if "\ninclude:" not in text}
    return {**whole, **{name: text_of(name) for name in NAMES}}


def traced(text: str) -> Trace:
    """The trace of a text, with sizes for its open symbols."""
    spec = nnshape.loads(text)
    names = {dim.id for item in spec.inputs if item.pattern for dim in item.pattern.dims if hasattr(dim, "id")}
    return nnshape.trace(spec, overrides={name: SIZES[name] for name in names - set(spec.dims) if name in SIZES})


def harm(before: Trace, text: str, fix: nnshape.Fix) -> str:
    """What a fix leaves or adds; empty if it does what it promises."""
    try:
        after = traced(edited(text, fix.edits))
    except nnshape.SpecError as error:
        return f"it cannot be read: {error}"
    if fix.problem.severity == "error" and len(after.errors) >= len(before.errors):
        return f"it leaves {len(after.errors)} errors: {_line(after.errors[0])}"
    warned = [Counter(p.kind for p in trace.problems if p.kind in HARMFUL) for trace in (before, after)]
    if warned[1] - warned[0]:
        return f"it adds {', '.join(warned[1] - warned[0])}"
    added = _on_batch(after) - _on_batch(before)
    return f"it adds the condition {', '.join(added)}" if added else ""


def _on_batch(trace: Trace) -> set[str]:
    sizes = ((needed, symbols_of(needed.left) | symbols_of(needed.right)) for needed in trace.constraints)
    return {str(needed) for needed, symbols in sizes if "N" in symbols}


def _line(problem: Problem) -> str:
    return f"line {problem.span.line if problem.span else 0}: {problem.kind}: {problem.message}"


def main(arguments: argparse.Namespace) -> int:
    """Print the table of kinds; return the number of fixes that do harm."""
    refused: Counter[str] = Counter()
    fixed: Counter[str] = Counter()
    offered = original_back = harms = 0
    for name, original in texts().items():
        chance = random.Random(f"{arguments.seed} {name}")
        for _ in range(arguments.number):
            mutation = mutated(original, chance)
            try:
                trace = traced(mutation.text)
            except nnshape.SpecError:
                continue
            if not trace.errors or any(problem.severity == "error" for problem in trace.spec.problems):
                continue
            kind = trace.errors[0].kind
            refused[kind] += 1
            fixes = nnshape.find_fixes(trace)
            fixed[kind] += bool(fixes)
            offered += len(fixes)
            original_back += any(edited(mutation.text, fix.edits).split() == original.split() for fix in fixes)
            for fix in fixes:
                if wrong := harm(trace, mutation.text, fix):
                    harms += 1
                    print(f"--- {name}: {_line(fix.problem)}\n{changed(original, mutation)}\n  {fix.shown}: {wrong}")
            if kind in arguments.unfixed and not fixes:
                print(f"--- {name}: {_line(trace.errors[0])}\n{changed(original, mutation)}")
            if kind in arguments.fixed and fixes:
                print(f"--- {name}: {_line(trace.errors[0])}\n{changed(original, mutation)}")
                print(*(f"  fix: {fix.description}: {fix.shown}{' (safe)' * fix.safe}" for fix in fixes), sep="\n")
    for kind, count in refused.most_common():
        print(f"{fixed[kind]:>6,} of {count:>6,}  {fixed[kind] / count:4.0%}  {kind}")
    total, most = fixed.total(), max(refused.total(), 1)
    print(f"{total:>6,} of {most:>6,}  {total / most:4.0%}  all, with {offered:,} fixes, of which {harms} do harm")
    print(f"{original_back:>6,} of {most:>6,}  {original_back / most:4.0%}  get the original back")
    return harms


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", default="rate")
    parser.add_argument("--unfixed", nargs="*", default=())
    parser.add_argument("--fixed", nargs="*", default=())
    sys.exit(bool(main(parser.parse_args())))
