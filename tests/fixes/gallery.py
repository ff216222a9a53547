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
        ("depths: [3, 4, 6, 3], expansion: 4, ", "depths: [1, 2, 1, 1], expansion: 1, "),
    ),
    "mobilenet_v2": (
        ("3x224x224", "3x32x32"),
        (
            "[6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]",
            "[3, 32, 2, 2]]",
        ),
    ),
    "densenet121": (
        ("3x224x224", "3x64x64"),
        ("growth: 32", "growth: 8"),
        ("Conv2d(3, 64, 7", "Conv2d(3, 16, 7"), ("BatchNorm2d(64)", "BatchNorm2d(16)"),
        ("range(1, 7)", "range(1, 3)"), ("range(1, 13)", "range(1, 3)"), ("range(1, 25)", "range(1, 2)"),
        ("range(1, 17)", "range(1, 3)"), ("Transition(128)", "Transition(16)"), ("Transition(256)", "Transition(16)"),
        ("Transition(512)", "Transition(16)"), ("BatchNorm2d(1024)", "BatchNorm2d(32)"), ("Linear(1024", "Linear(32"),
    ),
    "gpt2": (
        ("T: 1024", "T: 8"),
        (
            "vocab: 50257, context: 1024, width: 768, heads: 12, depth: 12",
            "vocab: 50, context: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "bert_base": (
        ("T: 512", "T: 8"),
        (
            "vocab: 30522, positions: 512, width: 768, heads: 12, depth: 12",
            "vocab: 50, positions: 8, width: 24, heads: 4, depth: 2",
        ),
    ),
    "transformer": (("vocab: 32000, context: 512, width: 512", "vocab: 50, context: 8, width: 32"),),
    "vit_b_16": (
        ("H: 224, W: 224", "H: 32, W: 32"),
        ("width: 768, heads: 12, depth: 12, side: 14", "width: 24, heads: 4, depth: 2, side: 2"),
    ),
}  # fmt: skip
#: The files again, with what their networks call Bottleneck, or with a loop that runs more often.
OTHERS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "resnet bottleneck": ("resnet", (("expansion: 1, ", "expansion: 4, "), ("[1, 2, 1, 1]", "[1, 1, 1, 1]"))),
}
#: Sizes that the files leave open.
SIZES = {"S": 7, "T": 5}
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
