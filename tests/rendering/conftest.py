"""What the tests of the formats share: models that show every kind of row, and a short way to a trace."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

import nnshape
from nnshape.rendering.problems import problems_lines
from nnshape.rendering.styled import painted
from nnshape.rendering.table import table_lines

CONFIGS = Path(__file__).parents[2] / "configs"

MODELS = {
    "nested": """
        name: Stack
        input: 16x64
        hparams: {depth: 12}
        blocks:
          Mixer(width):
            norm: LayerNorm(width)
            wide: Linear(width, 4 * width)
            act: GELU()
            narrow: Linear(4 * width, width)
            out: x + narrow
          Stage(width):
            mix: Sequential(Mixer(width) for i in range(3))
            end: LayerNorm(width)
        layers:
          embed: Linear(64, 32)
          h: Sequential(Mixer(32) for i in range(depth))
          stages: Sequential(Stage(32) for i in range(2))
          head: Linear(32, 10, bias=False)
        """,
    "symbolic": """
        name: Fully convolutional
        input: 3xHxW
        layers:
          conv1: Conv2d(3, 16, 5)
          pool: MaxPool2d(2)
          conv2: Conv2d(16, 32, 3, padding=1)
          sum: conv2 + Conv2d(16, 32, 1)(pool)
          head: Conv2d(32, 2, 1)
        """,
    "shared": """
        name: Tied
        input: int64[N, T]
        dims: {T: 16}
        layers:
          embed: Embedding(100, 8)
          fc: Linear(8, 8)
          again: fc(fc)
          lstm: LSTM(8, 8, batch_first=True)
          last: lstm[0]
          head: Linear(8, 100, bias=False)
          scale: Buffer(ones(100))
          out: head * scale
        tie: {head.weight: embed.weight}
        freeze: [fc]
        """,
    "faulty": """
        name: LeNet
        input: 1x32x32
        layers:
          conv1: Conv2d(1, 6, 5)
          pool1: MaxPool2d(2)
          conv2: Conv2d(6, 16, 3)
          pool2: MaxPool2d(2)  -> 16x5x5
          flatten: Flatten()
          fc1: Linear(400, 120)
          fc2: Lineer(120, 84)
          fc3: Linear(84, 10)
        """,
    "deep": """
        name: Deep fault
        input: 8
        blocks:
          Inner(width):
            fc: Linear(width, width)
          Outer(width):
            inner: Inner(width + 1)
        layers:
          h: Sequential(Outer(8) for i in range(3))
        """,
}


@pytest.fixture
def trace_of():
    def trace_of(name: str, **options: object) -> nnshape.Trace:
        if name.endswith(".yaml"):
            spec = nnshape.loads((CONFIGS / name).read_text(), name)
        else:
            spec = nnshape.loads(dedent(MODELS.get(name, name)).lstrip("\n"), "model.yaml")
        return nnshape.trace(spec, **options)

    return trace_of


@pytest.fixture
def answer(trace_of):
    """The whole answer of a model as plain text."""

    def answer(name: str, width: int, depth: int | None = None, fold: bool = True, **options: object) -> str:
        trace = trace_of(name, **options)
        text = painted(table_lines(trace, width, depth=depth, fold=fold), color=False)
        return text + painted(problems_lines(trace.problems, width), color=False)

    return answer
