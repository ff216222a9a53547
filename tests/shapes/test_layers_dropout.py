"""Dropouts, Flatten and Unflatten against torch's own, on the CPU, training as a new module is."""

from __future__ import annotations

import torch
from conformance import check_layer, tensor
from drawing import often, some, tensors
from gate import held
from hypothesis import strategies as st

from nnshape.shapes.layers import find_layer

torch.set_num_threads(1)

DROPOUTS = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]


@held(*DROPOUTS, most=40)
def test_dropout(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(p=st.sampled_from([0.5, 0.1, 0, 1, 0.0, 1.0, -0.1, 1.5, True]), inplace=st.booleans()))
    check_layer(name, (), keywords, (data.draw(tensors(most=5)),))


@held("Flatten", most=150)
def test_flatten(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(start_dim=st.integers(-4, 4), end_dim=st.integers(-4, 4)))
    check_layer(name, (), keywords, (data.draw(tensors()),))


@held("Unflatten", most=200)
def test_unflatten(name: str, data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.sampled_from([1, 2, 3, 2, 0]), max_size=3))
    size = torch.Size(parts).numel()
    rank = data.draw(st.integers(0, 3))
    at = data.draw(st.integers(0, max(rank - 1, 0)))
    shape = [data.draw(st.sampled_from([1, 2, 3])) for _ in range(rank)]
    if rank:
        shape[at] = data.draw(often(size, st.sampled_from([1, 4, 6, 0]), 5))
    if parts and data.draw(st.booleans()):
        parts[data.draw(st.integers(0, len(parts) - 1))] = data.draw(st.sampled_from([-1, -1, -2, 4]))
    dim = data.draw(often(at, st.integers(-4, 4), 5))
    check_layer(name, (dim, data.draw(st.sampled_from([tuple(parts), parts]))), {}, (tensor(*shape),))


def test_derivation_ends_in_the_size() -> None:
    assert find_layer("Flatten")().derivation(tensor(2, 16, 6, 6)) == ("16 * 6 * 6 = 576",)
    assert find_layer("Unflatten")(1, (16, -1)).derivation(tensor(2, 576)) == ("576 = 16 * 36",)
