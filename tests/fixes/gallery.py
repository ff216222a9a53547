"""The gallery in sizes that run in milliseconds, number by number, for thousands of runs."""

from __future__ import annotations

import re
from pathlib import Path

CONFIGS = Path(__file__).parents[2] / "configs"
#: What makes each file small.
SMALL: dict[str, tuple[tuple[str, str], ...]] = {
    "lenet": (),
    "tiny_model": (),
    "lstm_tagger": (),
    "unet": (("H: 256, W: 256", "H: 32, W: 32"), ("width: 64", "width: 4")),
    "resnet": (
        ("3x224x224", "3x64x64"),
        ("block: Bottleneck, depths: [3, 4, 6, 3]", "block: BasicBlock, depths: [1, 2, 1, 1]"),
    ),
    "mobilenet_v2": (
        ("3x224x224", "3x32x32"),
        (
            "[6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]",
            "[3, 32, 2, 2]]",
        ),
    ),
    "densenet": (
        ("3x224x224", "3x64x64"),
        ("growth: 32, depths: [6, 12, 24, 16], stem: 64", "growth: 8, depths: [2, 2, 1, 2], stem: 16"),
    ),
    "gpt2": (
        ("T: 1024", "T: 8"),
        (
            "vocab: 50257, context: 1024, width: 768, heads: 12, depth: 12",
            "vocab: 50, context: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "bert": (
        ("T: 512", "T: 8"),
        (
            "vocab: 30522, positions: 512, width: 768, heads: 12, depth: 12",
            "vocab: 50, positions: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "transformer": (("vocab: 32000, context: 512, width: 512", "vocab: 50, context: 8, width: 32"),),
    "vit": (
        ("H: 224, W: 224", "H: 32, W: 32"),
        ("width: 768, num_heads: 12, depth: 12, side: 224", "width: 24, num_heads: 4, depth: 2, side: 32"),
    ),
}  # fmt: skip
#: The files again, with what their networks call Bottleneck, or with a loop that runs more often.
OTHERS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "resnet bottleneck": ("resnet", (("BasicBlock, depths: [1, 2, 1, 1]", "Bottleneck, depths: [1, 1, 1, 1]"),)),
}
#: Sizes that the files leave open.
SIZES = {"R": 3, "S": 7, "T": 5}
NAMES = (*SMALL, *OTHERS)
# Counts and variants are no part of a run.
_OWN = re.compile(r"(?m)^(expect|tie|variants):.*\n(?:  .*\n)*|#.*")


def text_of(name: str) -> str:
    """The text of a gallery file, small."""
    file, more = OTHERS.get(name, (name, ()))
    text = (CONFIGS / f"{file}.yaml").read_text("utf-8")
    for before, after in (*SMALL[file], *more):
        assert before in text, f"{file}.yaml has changed: {before}"
        text = text.replace(before, after)
    return without_counts(text)


def without_counts(text: str) -> str:
    """The text without the counts that it expects, variants and comments."""
    return _OWN.sub("", text)
