"""More of the gallery in sizes that run in milliseconds."""

from __future__ import annotations

from gallery import CONFIGS, without_counts

#: What makes each file small: each text and what replaces it, in this order.
SMALL: dict[str, dict[str, str]] = {
    "albert": {
        "T: 128": "T: 8", "vocab: 30000, context: 512, narrow: 128": "vocab: 50, context: 16, narrow: 12",
        "width: 768, heads: 12, depth: 12": "width: 24, heads: 4, depth: 3",
    },
    "convnext": {
        "3x224x224": "3x32x32", "[96, 192, 384, 768]": "[8, 16, 32, 64]", "[3, 3, 9, 3]": "[1, 2, 1, 1]",
    },
    "dcgan": {"ngf: 64": "ngf: 4"},
    "efficientnet": {"H: 224, W: 224": "H: 32, W: 32", "width: 1.0, depth: 1.0": "width: 0.3, depth: 0.4"},
    "gcn": {"V: 2708": "V: 9"},
    "inception_v3": {
        "3x299x299": "3x75x75", "avg_pool2d(5, 3)": "avg_pool2d(2, 1)", "(768, 5)": "(48, 2)", "(768,": "(48,",
        **{f"({size},": f"({size // 16}," for size in (48, 64, 96, 128, 192, 320, 384, 448)},
        "A(32)": "A(2)", "A(64)": "A(4)", "C(128)": "C(8)", "C(160)": "C(10)", "C(192)": "C(12)", "2048": "128",
    },
    "listener": {"[N, T, 40]": "[N, 17, 40]", "hidden: 256": "hidden: 6"},
    "llama": {
        "T: 512": "T: 8", "vocab: 32000, width: 4096, heads: 32": "vocab: 50, width: 24, heads: 6",
        "kv_heads: 32, depth: 32, hidden: 11008": "kv_heads: 2, depth: 2, hidden: 20",
    },
    "nerf": {"width: 256": "width: 16"},
    "pointnet": {"P: 1024": "P: 12", "1024": "32", "512": "24", "256": "20", "128": "16", "64": "12"},
    "seq2seq": {"vocab: 50000, width: 1000, depth: 4": "vocab: 50, width: 12, depth: 2"},
    "siamese": {
        "4096": "16", "Conv2d(1, 64": "Conv2d(1, 4", "Conv2d(64, 128": "Conv2d(4, 8",
        "Conv2d(128, 128": "Conv2d(8, 8", "Conv2d(128, 256": "Conv2d(8, 6",
    },
    "squeezenet": {"3x224x224": "3x64x64"},
    "swin": {
        "3x224x224": "3x64x64", "width: 96, depths: [2, 2, 6, 2]": "width: 6, depths: [1, 2, 1, 1]",
        "heads: [3, 6, 12, 24], window: 7": "heads: [1, 2, 3, 4], window: 2",
    },
    "textcnn": {"vocab: 18765, width: 300, filters: 100": "vocab: 50, width: 12, filters: 8"},
    "vae": {"hidden: 400": "hidden: 30"},
    "vgg": {
        "3x224x224": "3x64x64", "[64, 64, M, 128, 128, M, 256, 256, 256, M, 512": "[8, 8, M, 12, M, 16",
        "512, 512, M, 512, 512, 512, M]": "16, M]", "512 * 7 * 7": "16 * 7 * 7", "4096": "24",
    },
    "wavenet": {"levels: 256, width: 32, skip: 512, depth: 10": "levels: 16, width: 8, skip: 12, depth: 3"},
}  # fmt: skip


def small_models() -> dict[str, str]:
    """The text of each model, small, by its name."""
    texts = {}
    for name, changes in SMALL.items():
        text = without_counts((CONFIGS / f"{name}.yaml").read_text("utf-8"))
        for before, after in changes.items():
            assert before in text, f"{name}.yaml has changed: {before}"
            text = text.replace(before, after)
        texts[name] = text
    return texts
