"""Compares the strides of real tensors on the CPU with those that nnshape follows: see `nnshape.shapes.layouts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from nnshape.modules.structure import Sizes
from nnshape.proofs.modes import TRAINING
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import Mode
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.tensor import Tensor, Unknown


def proves_strides(device: torch.device) -> bool:
    """Return whether a proof on this device compares strides: nnshape follows the kernels of the CPU."""
    return device.type == "cpu"


class StrideProof:
    """Compares the strides of one run. Strides that nnshape does not know are not compared."""

    def __init__(self, sizes: Mapping[str, int], mode: str) -> None:
        #: The number of tensors whose strides agreed.
        self.agreed = 0
        self._sizes = Sizes(sizes)
        self._mode: Mode = "training" if mode == TRAINING else "evaluation without gradients"
        #: The layouts of a trace hold for symbols of 2 or more.
        self._holds = all(size > 1 for size in sizes.values())

    def difference(self, traced: Any, value: Any) -> str | None:
        """Return a description of how the strides of a value differ from the trace, or None.

        The value has the structure and shapes of the trace.
        """
        leaves = list(leaves_in(traced)) if self._holds else []
        if any(isinstance(leaf, Unknown) for leaf in leaves):
            return None
        pairs = zip(leaves, leaves_in(value), strict=False)
        return next(filter(None, (self._of_tensor(*pair) for pair in pairs if isinstance(pair[0], Tensor))), None)

    def _of_tensor(self, traced: Tensor, value: torch.Tensor) -> str | None:
        layout = layout_of(traced, self._mode)
        if layout is None or value.layout != torch.strided:
            return None
        strides = tuple(map(self._sizes.number, layout.strides))
        if not all(isinstance(step, int) for step in strides):
            return None  # a size depends on the values of a tensor
        if strides == value.stride():
            self.agreed += 1
            return None
        return f"nnshape expects strides {strides}, but torch returns {value.stride()}"
