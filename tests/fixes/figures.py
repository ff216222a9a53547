"""Counts what comes of thousands of mutations: `python tests/fixes/figures.py 250` changes each file so often.

The files are those of the gallery that are cheap to run, small. A second argument seeds other mutations, and further
ones name the files.
"""

from __future__ import annotations

import random
import sys
import traceback
from collections import Counter

import torch
from gallery import NAMES, text_of
from judging import Judgement, judged
from mutating import Mutation, mutated
from small_models import small_models


def texts() -> dict[str, str]:
    """The text of each file, small, by its name."""
    return {name: text_of(name) for name in NAMES} | small_models()


def main(number: int, seed: str, names: list[str]) -> int:
    """Print the counts, and each disagreement as it is found; gives how many there were."""
    originals = texts()
    chances = {name: random.Random(f"{seed} {name}") for name in names or originals}
    total: Counter[str] = Counter()
    for turn in range(1, number + 1):
        for name, chance in chances.items():
            mutation = mutated(originals[name], chance)
            judgement = _judged(originals[name], mutation)
            total.update({
                "mutations": 1, judgement.verdict: 1, "disagreements": bool(judgement.wrong),
                "refused in the very step": judgement.step, "refused with several errors": len(judgement.kinds) > 1,
                "refused with a fix": judgement.fixes > 0, "first fix is the original": judgement.inverse,
                "a fix is the original": judgement.original_among,
                "fixes": judgement.fixes, "fixes run": judgement.fixes_run,
            })  # fmt: skip
            if judgement.wrong:
                print(f"--- {name}\n{changed(originals[name], mutation)}\n{judgement.wrong}\n", flush=True)
        if turn % 10 == 0:
            print(f"{total['mutations']:,} so far, {total['disagreements']} disagreements", flush=True)
    for what, count in total.items():
        print(f"{count:>9,}  {what}")
    return total["disagreements"]


def _judged(original: str, mutation: Mutation) -> Judgement:
    try:
        return judged(original, mutation)
    except Exception:
        return Judgement("broken", traceback.format_exc())


def changed(before: str, mutation: Mutation) -> str:
    """The lines that a mutation changed, old and new."""
    old, new = before.splitlines(), mutation.text.splitlines()
    gone, come = [line for line in old if line not in new], [line for line in new if line not in old]
    return "\n".join([f"  {mutation.kind}", *(f"  - {line}" for line in gone), *(f"  + {line}" for line in come)])


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(bool(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "figures", sys.argv[3:])))
