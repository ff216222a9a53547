"""How a file of the gallery is held against a module written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nnshape

CONFIGS = Path(__file__).parent.parent.parent / "configs"


def tensors(output: Any) -> list[torch.Tensor]:
    """The tensors of an output in their order, however it holds them."""
    if isinstance(output, torch.Tensor):
        return [output]
    values: Iterable[Any] = output.values() if isinstance(output, Mapping) else output
    return [tensor for value in values for tensor in tensors(value)]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every run draws the same inputs."""
    torch.manual_seed(0)


@pytest.fixture
def agree() -> Callable[..., None]:
    """Compare a file's model, or a part of it, with a twin: names, order, shapes, outputs and running statistics."""

    def compare(name: str, twin: nn.Module, *inputs: torch.Tensor, part: str = "", **sizes: Any) -> None:
        spec = replace(nnshape.load(CONFIGS / f"{name}.yaml"), expect=())  # the file expects its own sizes
        model = nnshape.build(nnshape.trace(spec, overrides=sizes, symbolic=True), seed=0).get_submodule(part)
        state = model.state_dict()
        assert [(key, value.shape) for key, value in state.items()] == [
            (key, value.shape) for key, value in twin.state_dict().items()
        ]
        twin.load_state_dict(state)
        for training in (True, False):
            answers = []
            for module in (model.train(training), twin.train(training)):
                torch.manual_seed(0)  # the same values are dropped
                with torch.no_grad():
                    answers.append(tensors(module(*inputs)))
            torch.testing.assert_close(*answers)
        torch.testing.assert_close(model.state_dict(), twin.state_dict())

    return compare
