"""Builds and runs models in the dtype of their file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from nnshape.modules.leaves import torch_dtype
from nnshape.shapes.dtypes import defaulting_to

if TYPE_CHECKING:
    from nnshape.shapes.dtypes import DType


@contextmanager
def in_dtype(dtype: DType) -> Iterator[None]:
    """Make a dtype the default of torch and of the rules within a `with` statement."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch_dtype(dtype))
    try:
        with defaulting_to(dtype):
            yield
    finally:
        torch.set_default_dtype(before)
