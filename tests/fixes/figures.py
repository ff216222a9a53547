"""Counts what comes of thousands of mutations: `python tests/fixes/figures.py 1000` changes each file so often."""

from __future__ import annotations

import random
import sys
from collections import Counter

import torch
from gallery import NAMES, text_of
from judging import judged
from mutating import mutated


def main(number: int, seed: str) -> int:
    """Print the counts, and each disagreement as it is found; gives how many there were."""
    total: Counter[str] = Counter()
    for name in NAMES:
        chance, original = random.Random(f"{seed} {name}"), text_of(name)
        for _ in range(number):
            mutation = mutated(original, chance)
            judgement = judged(original, mutation)
            total.update({
                "mutations": 1, judgement.verdict: 1, "disagreements": bool(judgement.wrong),
                "refused in the very step": judgement.step, "refused with several errors": len(judgement.kinds) > 1,
                "refused with a fix": judgement.fixes > 0, "first fix is the original": judgement.inverse,
                "a fix is the original": judgement.original_among,
                "fixes": judgement.fixes, "fixes run": judgement.fixes_run,
            })  # fmt: skip
            if judgement.wrong:
                print(f"--- {name}: {mutation.kind}\n{mutation.text}\n{judgement.wrong}\n", flush=True)
        print(f"{name}: {total['mutations']:,} so far, {total['disagreements']} disagreements", flush=True)
    for what, count in total.items():
        print(f"{count:>9,}  {what}")
    return total["disagreements"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(bool(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "figures")))
