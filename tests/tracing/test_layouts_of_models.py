"""The layouts of real models are known: a rule without one would hide every refused view after it."""

from pathlib import Path

import nnshape
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.tensor import tensors_in

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "configs").glob("*.yaml"))


def test_nearly_all_layouts_of_the_gallery_are_known():
    known, unknown = 0, []
    for path in MODELS:
        for call in nnshape.trace(path).root.walk():
            for operation in call.operations:
                for tensor in tensors_in(operation.result):
                    if layout_of(tensor, MODES[0]) is None:
                        unknown.append(f"{path.stem}: {call.path}")
                    else:
                        known += 1
    assert known > 20_000
    assert len(unknown) <= known / 200, unknown
