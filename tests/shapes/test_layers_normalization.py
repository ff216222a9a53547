"""The normalizations against torch's own, on the CPU, training as a new module is.

Left out: empty inputs that are faulty besides, of which torch checks nothing.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import FLOATS, dtypes, often, some
from gate import each_rank, held
from hypothesis import strategies as st

from nnshape.shapes.layers import find_layer
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

FLAGS = st.booleans()
CHANNELS = st.sampled_from([2, 3, 4, 6, 1, 0, -1])
#: The numbers of dimensions that a batch normalization takes.
RANKS = {"BatchNorm1d": (2, 3), "BatchNorm2d": (4,), "BatchNorm3d": (5,), "SyncBatchNorm": (2, 3, 4)}
EPSILONS = st.sampled_from([1e-5, 1e-3, 0, 1, -1e-5, 0.0])


@st.composite
def channelled(draw: Any, channels: int, ranks: tuple[int, ...], dtype: str = "float32") -> Tensor:
    """An input whose dimension 1 has the channels, in some cases a faulty one."""
    rank = draw(often(draw(st.sampled_from(ranks)), st.integers(0, 6), 8))
    shape = [draw(st.sampled_from([1, 2, 2, 3, 4])) for _ in range(rank)]
    if rank > 1 and draw(st.integers(0, 7)):
        shape[1] = max(channels, 0)
        if rank in ranks and dtype in FLOATS and draw(st.integers(0, 9)) == 0:
            hole = draw(st.sampled_from([0, *range(2, rank)]))
            return tensor(*(0 if at == hole else size for at, size in enumerate(shape)), dtype=dtype)
    if 0 in shape:
        return tensor(*shape, dtype=dtype) if dtype in FLOATS else tensor(*(size or 1 for size in shape))
    kinds = often(dtype, st.sampled_from(["float16", "bfloat16", "float32", "float64"]), 4)
    return tensor(*shape, dtype=draw(often(draw(kinds), dtypes(), 8)))


@held(*RANKS, most=70)
def test_batch_norm(name: str, data: st.DataObject) -> None:
    keywords = data.draw(
        some(
            eps=EPSILONS,
            momentum=st.none() | st.sampled_from([0.1, 0, 1, 2.5]),
            affine=FLAGS,
            track_running_stats=FLAGS,
            bias=FLAGS,
            dtype=dtypes(),
        )
    )
    channels = data.draw(CHANNELS)
    input = data.draw(channelled(channels, RANKS[name], keywords.get("dtype", "float32")))
    check_layer(name, (channels,), keywords, (input,))


@held("GroupNorm", most=200)
def test_group_norm(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(eps=EPSILONS, affine=FLAGS, bias=FLAGS, dtype=dtypes()))
    groups = data.draw(st.sampled_from([1, 2, 3, 1, 2, 0, -1]))
    channels = data.draw(CHANNELS | st.sampled_from([2, 3, 6]).map(groups.__mul__))
    input = data.draw(channelled(channels, (2, 3, 4), keywords.get("dtype", "float32")))
    check_layer(name, (groups, channels), keywords, (input,))


@held("LayerNorm", "RMSNorm", most=100)
def test_layer_norm(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(eps=EPSILONS, elementwise_affine=FLAGS, dtype=dtypes()))
    if name == "LayerNorm":
        keywords |= data.draw(some(bias=FLAGS))
    input = data.draw(channelled(3, (1, 2, 3, 4), keywords.get("dtype", "float32")))
    count = data.draw(st.integers(0, 3))
    fitting = input.shape[max(0, len(input.shape) - count) :]
    sizes = data.draw(often(fitting, st.lists(st.sampled_from([1, 2, 3, 0, -1]), max_size=3).map(tuple), 3))
    shape = data.draw(st.sampled_from([sizes, list(sizes), sizes[0] if len(sizes) == 1 else sizes]))
    check_layer(name, (shape,), keywords, (input,))


@held(*each_rank("InstanceNorm"), most=80)
def test_instance_norm(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    keywords = data.draw(
        some(eps=EPSILONS, momentum=st.just(0.1), affine=FLAGS, track_running_stats=FLAGS, bias=FLAGS, dtype=dtypes())
    )
    channels = data.draw(CHANNELS)
    input = data.draw(channelled(channels, (dimensions + 2,), keywords.get("dtype", "float32")))
    if data.draw(st.integers(0, 3)) == 0 and 0 not in input.shape:
        input = input.like(input.shape[1:])
    check_layer(name, (channels,), keywords, (input,))


@held("LocalResponseNorm", "CrossMapLRN2d", most=75)
def test_response_norm(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(alpha=st.floats(0, 1), beta=st.floats(0, 1), k=st.floats(1, 2)))
    size = data.draw(st.sampled_from([1, 2, 3, 5, 8, 0, -1]))
    check_layer(name, (size,), keywords, (data.draw(channelled(3, (3, 4, 4, 5))),))


def refusal(name: str, arguments: tuple, input: Tensor) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find_layer(name)(*arguments).apply((input,), {})
    return caught.value


def test_messages_say_what_arrives_and_what_was_wanted() -> None:
    fault = refusal("BatchNorm2d", (6,), Tensor((N, 16, 12, 12)))
    assert (fault.problem, fault.argument) == ("size-mismatch", "num_features")
    assert fault.message == "{layer} normalizes 6 channels, but 16 arrive{from}"
    assert fault.note == "running_mean should contain 16 elements not 6"
    fault = refusal("BatchNorm2d", (120,), Tensor((N, 120)))
    assert (fault.problem, fault.message) == ("wrong-rank", "{layer} is BatchNorm2d, but [N, 120] arrives")
    assert fault.note == "expected 4D input (got 2D input)"
    fault = refusal("LayerNorm", (768,), Tensor((N, 10, 512)))
    assert fault.message == "{layer} normalizes the last 768, but 512 arrive"
    fault = refusal("GroupNorm", (4, 6), Tensor((N, 6, 5, 5)))
    assert fault.message == "`num_channels` (=6) must be divisible by `num_groups` (=4)"


def test_one_value_per_channel_is_a_fault_of_training_only() -> None:
    fault = refusal("BatchNorm1d", (120, 1e-5, 0.1, True, False), tensor(1, 120))  # no stored statistics
    assert fault.message == "{layer} fails in training: [1, 120] has one value per channel"
    with noticing() as notices:
        find_layer("BatchNorm1d")(120).forward(tensor(1, 120))
    assert [notice.message for notice in notices] == [fault.message]
    with noticing() as notices:
        find_layer("BatchNorm1d")(120).forward(Tensor((N, 120)))
        find_layer("BatchNorm2d")(120).forward(Tensor((N, 120, 7, 7)))
    assert [notice.message for notice in notices] == ["{layer} fails in training when N = 1"]


@pytest.mark.parametrize("eps", [0, 0.0, -1e-5])
@pytest.mark.parametrize("tracked", [True, False])
def test_an_eps_of_batch_norm_that_fails_in_training_alone(eps: float, tracked: bool) -> None:
    module = torch.nn.BatchNorm1d(4, eps=eps, track_running_stats=tracked)
    runs = []
    for training in (False, True):
        try:
            module.train(training)(torch.zeros(2, 4))
            runs.append(True)
        except ValueError:
            runs.append(False)
    with noticing() as notices:
        try:
            find_layer("BatchNorm1d")(4, eps=eps, track_running_stats=tracked).apply((tensor(2, 4),), {})
            accepted = True
        except Refusal:
            accepted = False
    assert [accepted, accepted and not notices] == runs
