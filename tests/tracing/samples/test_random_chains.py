"""Random chains of reshapes, layers and sums: nnshape says that samples mix exactly where they do on the CPU.

Operations that relate samples on purpose (reductions over the batch, indexing, products) are not drawn.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import nnshape
from nnshape.modules.independence import samples_apart
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.batch import batch_axis
from nnshape.tracing.samples.flow import batch_dim

SAMPLES = 5
INPUTS = ["[N, 6, 4]", "[6, N, 4]", "[N, 2, 3, 4]", "[N, 6]", "[3, N, 2, 2]", "[N, 4, 4]"]
OF_SAMPLES = {"loses-batch", "mixes-samples", "scrambled", "silent-broadcast", "swallows-batch"}


@st.composite
def step(draw: st.DrawFn, shape: tuple[object, ...]) -> str:
    """A step that may follow a tensor of this shape."""
    rank = len(shape)
    dim = st.integers(0, rank - 1)
    kind = draw(st.sampled_from(["reshape", "reshape", "reshape", "order", "layer", "along", "join", "squeeze"]))
    if kind == "reshape":
        return draw(reshape(shape))
    if kind == "order":
        order = draw(st.permutations(range(rank)))
        return draw(st.sampled_from([f"permute({', '.join(map(str, order))})", f"transpose({draw(dim)}, {draw(dim)})"]))
    if kind == "layer":
        width = shape[-1]
        first = draw(st.booleans())
        choices = ["tanh()"]
        if isinstance(width, int):  # a LayerNorm of one feature is a constant
            choices += [f"Linear({width}, {width})", *[f"LayerNorm({width})"] * (width > 1)]
        if isinstance(width, int) and rank in (2, 3):
            choices += [f"LSTM({width}, 4, batch_first={first})(_)[0]", f"GRU({width}, 4)(_)[0]"]
            choices += [f"TransformerEncoderLayer({width}, 1, 8, batch_first={first})"]
        return draw(st.sampled_from(choices))
    if kind == "along":
        if batch_axis(shape) is None:  # along a joined dimension it is written out: `cumsum` over all tokens
            return "tanh()"
        if shape[at := draw(dim)] == 1:  # a softmax of one value is a constant
            return "tanh()"
        name = draw(st.sampled_from(["softmax", "log_softmax", "cumsum", "logcumsumexp", "fft"]))
        return f"{name}({at})" if name != "fft" else f"fft(_, dim={at}).real"
    if kind == "squeeze":
        return draw(st.sampled_from([f"unsqueeze({draw(dim)})", f"squeeze({draw(dim)})", "squeeze()"]))
    at, times = draw(dim), draw(st.integers(2, 3))
    ones = ", ".join(str(times if place == at else 1) for place in range(rank))
    return draw(
        st.sampled_from([
            f"repeat_interleave({times}, {at})", f"repeat({ones})", f"cat((_, _ * 2), {at})",
            f"stack((_, _ + 1), {at})", f"flatten({at})", "_ + 2 * _",
        ])
    )  # fmt: skip


@st.composite
def reshape(draw: st.DrawFn, shape: tuple[object, ...]) -> str:
    """A reshape of this shape: dimensions in another order, some joined, some split."""
    sizes = [str(size) for size in draw(st.permutations(shape))]
    if draw(st.booleans()):
        sizes = [str(size) for size in shape]
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(sizes) - 1))
        if len(sizes) > 1 and at and draw(st.booleans()):
            sizes[at - 1 : at + 1] = [f"{sizes[at - 1]} * {sizes[at]}"]
        elif sizes[at].isdigit() and not int(sizes[at]) % 2:
            sizes[at : at + 1] = ["2", str(int(sizes[at]) // 2)]
    if draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = "-1"
    return f"reshape({', '.join(sizes)})"


def traced(input: str, steps: list[str]) -> nnshape.Trace:
    lines = "".join(f"  s{number}: {text}\n" for number, text in enumerate(steps))
    return nnshape.trace(nnshape.loads(f"input: '{input}'\nlayers:\n{lines}"))


def mixes(trace: nnshape.Trace) -> bool:
    """Whether a place of the output's batch holds another sample, or more than one."""
    torch.manual_seed(0)
    model = nnshape.build(trace).eval()
    (input,) = trace.inputs.values()
    shape = [SAMPLES if size == "N" else int(size) for size in map(str, input.shape)]
    axis, output = batch_axis(input.shape), trace.output
    assert axis is not None
    place = batch_dim(output.shape)
    assert place is not None
    owners: list[set[int]] = []
    with torch.no_grad():
        x = torch.randn(shape)
        before = model(x)
        owners = [set() for _ in range(before.shape[place])]
        for sample in range(SAMPLES):
            changed = x.clone()
            changed.select(axis, sample).copy_(torch.randn(shape).select(axis, sample))
            moved = (model(changed) != before).movedim(place, 0).reshape(before.shape[place], -1).any(1)
            for row in moved.nonzero().flatten().tolist():
                owners[row].add(sample)
    alone = batch_axis(output.shape) is not None
    return any(len(own) > 1 or (alone and own - {row}) for row, own in enumerate(owners))


def is_whole(trace: nnshape.Trace) -> bool:
    """Whether the model takes any batch, and its output holds it once."""
    needs = {name for constraint in trace.constraints for name in str(constraint).split() if name == "N"}
    return not needs and isinstance(trace.output, Tensor) and batch_dim(trace.output.shape) is not None


@settings(max_examples=400)
@given(st.data())
def test_samples_mix_where_it_is_said_and_nowhere_else(data):
    input = data.draw(st.sampled_from(INPUTS))
    steps: list[str] = []
    trace = traced(input, ["tanh()"])
    steps = ["tanh()"]
    for _ in range(data.draw(st.integers(1, 5))):
        more = [*steps, data.draw(step(trace.output.shape))]
        after = traced(input, more)
        if after.errors or not isinstance(after.output, Tensor) or math.prod(map(_number, after.output.shape)) > 5000:
            continue
        steps, trace = more, after
        if {problem.kind for problem in trace.problems} & OF_SAMPLES or batch_dim(trace.output.shape) is None:
            break
    assume(is_whole(trace))
    kinds = {problem.kind for problem in trace.problems}
    for kind in kinds or {"silent"}:
        event(kind)
    truth = mixes(trace)
    if "loses-batch" not in kinds:
        assert ("mixes-samples" in kinds) == truth, steps
    # The run that nnshape does itself comes to the same, where it can tell.
    assert samples_apart(trace) is not truth, steps


def _number(size: object) -> int:
    return size if isinstance(size, int) else SAMPLES


@pytest.mark.parametrize(
    ("input", "step", "expected"), [("[6, N, 4]", "reshape(N, 6, 4)", True), ("[6, N, 4]", "transpose(0, 1)", False)]
)
def test_the_judge_of_these_chains(input, step, expected):
    assert mixes(traced(input, [step])) is expected
