"""Random models: what the trace says of each is what torch's own modules say when they run."""

import os

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import nnshape

#: More of them where somebody asks: NNSHAPE_EXAMPLES=5000 pytest tests/test_random_models.py
EXAMPLES = int(os.environ.get("NNSHAPE_EXAMPLES", "100"))
#: No width is the batch, so that nothing fits the one in the place of the other.
BATCH = 5
WIDTHS = st.sampled_from([1, 2, 3, 4, 6, 8])
SMALL = st.integers(1, 3)


class Step:
    """A step as text, and as a function that runs it with torch: from the model's values by name to its own."""

    def __init__(self, text, run):
        self.text = text
        self.run = run


def layer(text: str) -> Step:
    """A layer of torch applied to the running value."""
    return Step(text, lambda values: eval(text, {"__builtins__": {}, **vars(nn)})(values["_"]))


@st.composite
def layers(draw):
    """A layer, its arguments right for some inputs and wrong for others."""
    a, b, c = draw(WIDTHS), draw(WIDTHS), draw(SMALL)
    return layer(
        draw(
            st.sampled_from(
                [
                    f"Linear({a}, {b})",
                    f"Linear({a}, {b}, bias=False)",
                    f"Bilinear({a}, {a}, {b})",
                    f"Conv1d({a}, {b}, {c})",
                    f"Conv2d({a}, {b}, {c}, padding={c - 1})",
                    f"Conv2d({a}, {a * c}, {c}, groups={a})",
                    f"ConvTranspose2d({a}, {b}, {c}, {c})",
                    f"MaxPool2d({c})",
                    f"AvgPool1d({c}, ceil_mode=True)",
                    f"AdaptiveAvgPool2d(({b}, None))",
                    f"AdaptiveMaxPool1d({b})",
                    f"BatchNorm1d({a})",
                    f"BatchNorm2d({a})",
                    f"GroupNorm({c}, {a})",
                    f"InstanceNorm2d({a})",
                    f"LayerNorm({a})",
                    f"LayerNorm(({a}, {b}))",
                    f"Dropout2d({c / 10})",
                    f"PixelShuffle({c})",
                    f"Upsample(scale_factor={c})",
                    f"ZeroPad2d({c - 2})",
                    f"Softmax(dim={draw(st.integers(-4, 3))})",
                    f"Flatten({draw(st.integers(0, 3))})",
                    f"Unflatten(1, ({c}, {a}))",
                    f"GLU({draw(st.integers(-2, 2))})",
                    "ReLU()",
                    f"PReLU({a})",
                    f"TransformerEncoderLayer({a}, {c}, {b}, batch_first=True)",
                    f"EmbeddingBag(5, {a})",
                ]
            )
        )
    )


@st.composite
def functions(draw, names: tuple[str, ...]):
    """A function, method or sign on one or two of the values so far."""
    x, y = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    i, j, n = draw(st.integers(-3, 3)), draw(st.integers(-3, 3)), draw(WIDTHS)
    text = draw(
        st.sampled_from(
            [
                f"{x} + {y}",
                f"{x} * {y}.mean({i}, keepdim=True)",
                f"{x} @ {y}",
                f"{x} @ {y}.transpose({i}, {j})",
                f"cat([{x}, {y}], {i})",
                f"stack([{x}, {y}], {i})",
                f"{x}.transpose({i}, {j})",
                f"{x}.flatten({i}, {j})",
                f"{x}.reshape({x}.shape[0], {n}, -1)",
                f"{x}.contiguous().view({n}, -1)",  # strides are not traced
                f"{x}.unsqueeze({i})",
                f"{x}.squeeze({i})",
                f"{x}.sum({i})",
                f"{x}.amax(({i}, {j}))",
                f"{x}.max({i})[0]",
                f"{x}[:, {n - 1}]",
                f"{x}[..., :{n}]",
                f"{x}[:, None, 1:-1]",
                f"{x}.chunk({n}, {i})[0]",
                f"{x}.split({n}, {i})[-1]",
                f"{x}.repeat({n}, 1, 1)",
                f"{x}.expand(-1, {n}, -1)",
                f"{x}.permute({i}, {j}, 0)",
                f"{x}.movedim({i}, {j})",
                f"{x}.softmax({i})",
                f"{x}.roll({n}, {i})",
                f"{x}.cumsum({i})",
                f"{x}.unfold({i}, {n}, 2)",
                f"F.pad({x}, ({i}, {j}))",
                f"F.max_pool1d({x}, {n})",
                f"F.one_hot({x}.long().clamp(0, 3), 4)",
                f"F.layer_norm({x}, ({n},))",
                f"einsum('abc,acd->abd', {x}, {y})",
                f"einsum('...ij,...kj->...ik', {x}, {y})",
                f"F.scaled_dot_product_attention({x}, {y}, {y})",
                f"{x}.topk({n}, {i}).indices",
                f"{x}.argmax({i})",
                f"where({x} > 0, {x}, {y})",
            ]
        )
    )
    torch_names = {name: getattr(torch, name) for name in ("cat", "stack", "einsum", "where")}
    return Step(text, lambda values: eval(text, {"__builtins__": {}, "F": F, **torch_names, **values}))


@st.composite
def models(draw):
    """An input's shape, and the steps of a chain with branches."""
    shape = tuple(draw(st.lists(WIDTHS, min_size=1, max_size=3)))
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 5))):
        names = ("x", *(f"s{k}" for k in range(i)))
        steps.append(draw(st.one_of(layers(), functions(names))))
    return shape, steps


def run(shape: tuple[int, ...], steps: list[Step]) -> tuple[list[tuple[str, tuple[int, ...]]], int | None]:
    """The dtype and shape of every step's value up to the first that torch refuses, and which that is."""
    values = {"x": torch.rand(BATCH, *shape)}
    values["_"] = values["x"]
    found = []
    for i, step in enumerate(steps):
        try:
            value = step.run(values)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, NotImplementedError):
            return found, i
        values["_"] = values[f"s{i}"] = value
        found.append((str(value.dtype).removeprefix("torch."), tuple(value.shape)))
    return found, None


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
@pytest.mark.filterwarnings("ignore")
def test_the_trace_says_what_torch_says(model):
    shape, steps = model
    lines = [f"  s{i}: {step.text}" for i, step in enumerate(steps)]
    text = "\n".join([f"input: [{BATCH}, {', '.join(map(str, shape))}]", "layers:", *lines])
    torch.manual_seed(0)
    real, refused = run(shape, steps)
    # Torch's fused attention takes keys of any width where there is nothing in them: left out.
    assume("attention" not in text or not any(0 in shape for _, shape in real))
    trace = nnshape.trace(nnshape.loads(text))
    wrong = {problem.span.line - 3 for problem in trace.errors if problem.span is not None}
    assert min(wrong, default=None) == refused, (text, [problem.message for problem in trace.errors])
    traced = [(str(call.output.dtype), tuple(call.output.shape)) for call in trace.root.children[: len(real)]]
    assert traced == real, text
    if refused is None:
        assert nnshape.verify(trace).agree, text
        # With the batch as a symbol nothing that holds for this batch is refused for certain.
        per_sample = nnshape.trace(nnshape.loads(text.replace(f"[{BATCH},", "[N,")))
        certain = [problem for problem in per_sample.errors if problem.kind != "unknown-value"]
        assert not certain, (text, [problem.message for problem in certain])
        assert per_sample.errors or nnshape.verify(per_sample).agree, text
