"""Random models of one to six steps: what nnshape says of the batch is what torch does at each batch."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace

import pytest
from at_batches import runs_at
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import nnshape
from nnshape.modules.independence import samples_apart

#: All sizes are small, so that what is made for one batch is made for one of these.
SIZES = st.sampled_from([1, 2, 3, 4, 6])
BATCHES = (1, 2, 3, 4, 5, 6, 8, 9, 12)
OWN = ("fixed-batch", "restricted-batch")
#: Warnings that come before restricted-batch in a step.
STRONGER = ("loses-batch", "mixes-samples", "scrambled", "silent-broadcast")
#: What writes out that samples mix, so that nothing is reported of it.
WRITTEN_OUT = re.compile(
    r"mean\(0|sum\(0|flip\(0\)|roll\(|\.t\(\)|transpose\(0, 1\) @|cdist|x0\[|einsum\('ni,mi|std\(0|\[:1\]|BatchNorm"
    r"|\[arange|index_select|gather\(0|scatter\(0|cat\(\[s\d|repeat\(|flatten\(0\)|topk|chunk|unflatten"
)


class Writer:
    """Writes the steps of a model, with the shapes of their values: sizes and `N`."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.blocks: list[str] = []
        self.inputs: dict[str, list] = {}
        self.values: dict[str, list] = {}

    def one(self, *choices):
        return self.draw(st.sampled_from(choices))

    def size(self):
        return self.draw(SIZES)

    def value(self, rank=None):
        fitting = [name for name, shape in self.values.items() if rank is None or len(shape) == rank]
        return self.one(*fitting) if fitting else None

    def add(self, text, shape):
        name = f"s{len(self.lines)}"
        self.lines.append(f"{name}: {text}")
        self.values[name] = shape
        return name


def new_shape(w, like):
    """A shape that may or may not go with another: its end, one size changed, or a number for the batch."""
    shape = list(like)
    kind = w.one("same", "end", "number", "one", "front", "axis")
    if kind == "end" and len(shape) > 1:
        shape = shape[w.draw(st.integers(1, len(shape) - 1)) :]
    elif kind == "number":
        shape[w.draw(st.integers(0, len(shape) - 1))] = w.size()
    elif kind == "one":
        shape[w.draw(st.integers(0, len(shape) - 1))] = 1
    elif kind == "front" and len(shape) > 2:
        shape = shape[:2]
    elif kind == "axis" and len(shape) < 4:
        shape = [1, *shape]
    return shape


def text_of(shape):
    return ", ".join(map(str, shape))


def arithmetic(w):
    name = w.value()
    shape = w.values[name]
    other = new_shape(w, shape)
    made = f"ones({text_of(other)})" if "N" not in other or w.one(True, False) else None
    known = [each for each, value in w.values.items() if value == other]
    right = w.one(*known) if known and (made is None or w.one(True, False)) else made or f"ones({text_of(other)})"
    text = w.one("{a} + {b}", "{a} * {b}", "where({a} > 0, {a}, {b})", "maximum({a}, {b})").format(a=name, b=right)
    rank = max(len(shape), len(other))
    one, two = ([1] * (rank - len(each)) + list(each) for each in (shape, other))
    w.add(text, [b if a == 1 else a for a, b in zip(one, two, strict=True)])


def joins(w):
    name = w.value()
    shape = w.values[name]
    other = new_shape(w, shape)
    dim = w.draw(st.integers(0, len(shape) - 1))
    if w.one(True, False) and shape[dim] != "N" and other and len(other) == len(shape) and other[dim] != "N":
        w.add(
            f"cat([{name}, ones({text_of(other)})], {dim})", [*shape[:dim], shape[dim] + other[dim], *shape[dim + 1 :]]
        )
    else:
        w.add(f"stack([{name}, ones({text_of(other)})], {dim})", [*shape[:dim], 2, *shape[dim:]])


def reshapes(w):
    name = w.value(3)
    if name is None:
        arithmetic(w)
        return
    a, b, c = w.values[name]
    numbers = [size for size in (a, b, c) if size != "N"]
    if a == "N":
        options = [
            (f"{name}.reshape(N, {b * c})", ["N", b * c]),
            (f"{name}.flatten(1)", ["N", b * c]),
            (f"{name}.reshape({w.size()}, {b}, {c})", ["N", b, c]),
            (f"{name}.reshape(-1, {c})", None),
            (f"{name}.reshape({w.size()}, -1, {b}, {c})", None),
            (f"{name}.transpose(1, 2)", ["N", c, b]),
            (f"{name}.transpose(0, 1)", [b, "N", c]),
            (f"{name}.reshape(N, {c}, {b})", ["N", c, b]),
            (f"{name}.mean(0)", [b, c]),
            (f"{name}.squeeze()", None),
        ]
    else:
        options = [(f"{name}.transpose(0, 1)", [b, a, c]), (f"{name}.sum(2)", [a, b])]
        if len(numbers) == 2 and b == "N":
            options.append((f"{name}.reshape(N, {a}, {c})", ["N", a, c]))
    text, shape = w.one(*options)
    if shape is None:
        w.lines.append(f"s{len(w.lines)}: {text}")
    else:
        w.add(text, shape)


def recurrent(w):
    name = w.value(3)
    if name is None or w.values[name][2] == "N":
        arithmetic(w)
        return
    a, b, c = w.values[name]
    kind = w.one("LSTM", "GRU", "RNN")
    first = w.one(True, True, False)
    batch = a if first else b
    state = w.one("", "", f", zeros(1, {w.one(batch, w.size())}, 4)")
    if kind == "LSTM" and state:
        state = f", ({state[2:]}, {state[2:]})"
    cell = w.add(f"{kind}({c}, 4{', batch_first=True' if first else ''})({name}{state})", [a, b, 4])
    w.values.pop(cell)
    w.add(f"{cell}[0]", [a, b, 4])


def cells(w):
    name = w.value(2)
    if name is None or w.values[name][1] == "N":
        arithmetic(w)
        return
    a, b = w.values[name]
    kind = w.one("GRUCell", "RNNCell", "LSTMCell")
    state = f"zeros({w.one(a, w.size())}, 4)"
    if kind == "LSTMCell":
        cell = w.add(f"LSTMCell({b}, 4)({name}, ({state}, {state}))", [a, 4])
        w.values.pop(cell)
        w.add(f"{cell}[0]", [a, 4])
    else:
        w.add(f"{kind}({b}, 4)({name}, {state})", [a, 4])


def attention(w):
    name = w.value(3)
    if name is None or w.values[name][2] not in (2, 4, 6):
        recurrent(w)
        return
    a, b, c = w.values[name]
    first = w.one(True, True, False)
    option = ", batch_first=True" if first else ""
    steps = b if first else a
    mask = w.one(
        "", "", f", ones({steps}, {steps}).bool().logical_not()", f", zeros({w.size()}, {steps})", ", zeros(N, N)"
    )
    kind = w.one("encoder", "attention", "decoder", "function")
    if kind == "encoder":
        w.add(f"TransformerEncoderLayer({c}, 2, 4{option})({name}{mask})", [a, b, c])
    elif kind == "decoder":
        w.add(f"TransformerDecoderLayer({c}, 2, 4{option})({name}, {name}{mask})", [a, b, c])
    elif kind == "function":
        w.add(f"scaled_dot_product_attention({name}, {name}, {name})", [a, b, c])
    else:
        masked = f", attn_mask={mask[2:]}" if mask else ""
        made = w.add(f"MultiheadAttention({c}, 2{option})({name}, {name}, {name}{masked})", [a, b, c])
        w.values.pop(made)
        w.add(f"{made}[0]", [a, b, c])


def indexing(w):
    name = w.value()
    shape = w.values[name]
    if shape[0] != "N":
        arithmetic(w)
        return
    rest = shape[1:]
    n = w.size()
    options = [
        (f"{name}.flip(0)", shape),
        (f"{name}.roll(1, 0)", shape),
        (f"{name} + ones({text_of([n, *rest])})[:N]", shape),
        (f"{name}.index_select(0, arange({n}))", [n, *rest]),
        (f"zeros({text_of([w.one('N', n), *rest])}).scatter(0, {name}.long() * 0, {name})", None),
        (f"{name}[:{n}]", None),
        (f"{name}.cumsum(0)", shape),
        (f"softmax({name}, {w.one(0, -1)})", shape),
        (f"{name}.sort(0)[0]", shape),
        (f"{name} - {name}.mean(0)", shape),
        (f"{name}.gather(0, arange(N).view({text_of(['N', *[1] * len(rest)])}).expand({text_of(shape)}))", shape),
    ]
    if len(shape) == 2:
        options += [
            (f"{name} @ {name}.t() @ {name}", shape),
            (f"{name}.unsqueeze(1) * {name}.unsqueeze(2)", [*shape, rest[0]]),
            (f"softmax(cdist({name}, {name}), 1) @ {name}", shape),
            (f"Linear({rest[0]}, 4)({name})", ["N", 4]),
            (f"cross_entropy({name}, arange({w.one('N', n)}) * 0, reduction='none')", ["N"]),
            (f"mse_loss({name}, ones({text_of(new_shape(w, shape))}), reduction='none')", shape),
        ]
    if len(shape) == 3:
        b, c = rest
        options += [
            (f"einsum('bij,bjk->bik', {name}, ones({w.one('N', n)}, {c}, 4))", ["N", b, 4]),
            (f"bmm({name}, ones({w.one('N', n)}, {c}, 4))", ["N", b, 4]),
            (f"baddbmm(ones({w.one('N', n)}, {b}, {b}), {name}, {name}.transpose(1, 2))", ["N", b, b]),
            (f"{name} @ ones({c}, 4)", ["N", b, 4]),
            (f"einsum('nij,nik->njk', {name}, {name})", ["N", c, c]),
            (f"BatchNorm1d({b})({name})", shape),
            (f"LayerNorm({c})({name})", shape),
        ]
    text, after = w.one(*options)
    if after is None:
        w.lines.append(f"s{len(w.lines)}: {text}")
    else:
        w.add(text, list(after))


def others(w):
    """Losses, normalization, convolution, and what cuts, joins or repeats the batch."""
    name = w.value()
    shape = w.values[name]
    n, rank = w.size(), len(shape)
    if shape[0] != "N":
        arithmetic(w)
        return
    rest = shape[1:]
    options = [
        (f"{name}.chunk(2, 0)[0]", None),
        (f"{name}.topk({n}, 0)[0]", [n, *rest]),
        (f"{name}.repeat({text_of([2, *[1] * len(rest)])})[:N]", shape),
        (f"cat([{name}, {name}.detach()], 0)[N:]", shape),
        (f"cat([{name}, ones({text_of([n, *rest])})], 0)[:N]", shape),
        (f"{name}.unflatten(0, ({n}, -1))", None),
        (f"{name}.flatten(0).view({w.one('N', '-1', n)}, {math.prod(rest)})", ["N", math.prod(rest)]),
        (f"{name}.expand({text_of([w.one('N', n), *rest])})", shape),
        (f"{name}.lerp(ones({text_of(new_shape(w, shape))}), 0.5)", shape),
        (f"huber_loss({name}, ones({text_of(new_shape(w, shape))}), reduction='none')", shape),
        (f"kl_div({name}, ones({text_of(new_shape(w, shape))}), reduction='none')", shape),
        (f"Embedding(10, 2)({name}.long() * 0)", [*shape, 2]),
        (f"{name}.masked_fill(ones({text_of(new_shape(w, shape))}) > 0, 0.0)", shape),
        (f"{name}.tile({text_of([1] * rank)})", shape),
        (f"{name}.movedim(0, -1)", [*rest, "N"]),
        (f"{name}.unsqueeze(0)", [1, *shape]),
    ]
    if rank == 2:
        options += [
            (f"triplet_margin_loss({name}, {name}, ones({w.one('N', n)}, {rest[0]}), reduction='none')", ["N"]),
            (f"cosine_similarity({name}, ones({text_of(new_shape(w, shape))}), -1)", None),
            (f"bilinear({name}, ones({w.one('N', n)}, 2), ones(3, {rest[0]}, 2))", ["N", 3]),
            (f"addmm(ones({w.one('N', 1, n)}, 3), {name}, ones({rest[0]}, 3))", ["N", 3]),
            (f"{name}[arange({w.one('N', n)}), zeros({w.one('N', n)}).long()]", None),
            (f"{name}.take_along_dim(zeros({w.one('N', 1, n)}, 1).long(), 1)", ["N", 1]),
            (f"BatchNorm1d({rest[0]})({name})", shape),
        ]
    if rank == 3:
        b, c = rest
        options += [
            (f"Conv1d({b}, 4, 1)({name})", ["N", 4, c]),
            (f"GroupNorm(1, {b})({name})", shape),
            (f"{name}.gather(1, zeros({w.one('N', n)}, 1, {c}).long())", None),
            (f"{name} @ ones({w.one('N', 1, n)}, {c}, 3)", ["N", b, 3]),
            (f"{name}.permute({w.one('1, 0, 2', '0, 2, 1', '2, 0, 1')})", None),
            (f"cross_entropy({name}, zeros({w.one('N', n)}, {c}).long(), reduction='none')", ["N", c]),
            (f"adaptive_avg_pool1d({name}, 2)", ["N", b, 2]),
            (f"{name}.amax(2)", ["N", b]),
        ]
    text, after = w.one(*options)
    if after is None:
        w.lines.append(f"s{len(w.lines)}: {text}")
    else:
        w.add(text, list(after))


def blocks(w):
    name = w.value()
    shape = w.values[name]
    n = len(w.blocks)
    pattern = ", ".join(
        str(w.one("_", f"D{place}", size if size != "N" else w.size())) for place, size in enumerate(shape)
    )
    body = w.one("x * 2", f"x + ones({text_of(new_shape(w, shape))})" if "N" not in shape[1:] else "x + 1")
    if "N" in body:
        body = "x + 1"
    w.blocks.append(f"B{n}()(x[{pattern}]): {{y: '{body}'}}")
    turns = w.one(f"B{n}()({name})", f"Sequential(B{n}() for i in range(2))({name})")
    w.add(turns, shape)


STEPS = [
    arithmetic, arithmetic, joins, reshapes, reshapes, recurrent, cells, attention, indexing, indexing, others, others,
    others, blocks,
]  # fmt: skip


@st.composite
def models(draw):
    w = Writer(draw)
    for place in range(draw(st.integers(1, 2))):
        shape = ["N", *(draw(SIZES) for _ in range(draw(st.integers(1, 2))))]
        if len(shape) == 3 and place == 0 and draw(st.integers(0, 4)) == 0:
            shape = [shape[1], "N", shape[2]]
        w.inputs[f"x{place}"] = w.values[f"x{place}"] = shape
    for _ in range(draw(st.integers(1, 6))):
        draw(st.sampled_from(STEPS))(w)
    inputs = ", ".join(f"{name}: '[{text_of(shape)}]'" for name, shape in w.inputs.items())
    blocks = "".join(f"  {block}\n" for block in w.blocks)
    steps = "".join(f'  {line.partition(": ")[0]}: "{line.partition(": ")[2]}"\n' for line in w.lines)
    return f"input: {{{inputs}}}\n" + (f"blocks:\n{blocks}" if blocks else "") + f"layers:\n{steps}"


def check(text):
    """Hold the verdict of one model against torch at every batch."""
    trace = nnshape.trace(text)
    told = [problem.kind for problem in trace.problems if problem.kind not in ("unused-step", "fails-in-training")]
    errors = [problem.kind for problem in trace.errors]
    runs = [batch for batch in BATCHES if runs_at(text, batch)]
    several = [batch for batch in runs if batch > 1]
    seen = (text, runs, [problem.message for problem in trace.problems])
    if [kind for kind in errors if kind not in OWN]:
        assert len(several) < 2, seen
        return
    if errors:
        assert len(several) < 2, seen
        problem = trace.errors[0]
        numbers = [int(number) for number in re.findall(r"N = (\d+)", problem.message)]
        if numbers and told == ["fixed-batch"]:
            # The message speaks of its step; what follows may fail at one of these batches.
            until = text if "blocks:" in text else "".join(text.splitlines(keepends=True)[: problem.span.line])
            known = [batch for batch in numbers if batch in BATCHES]
            assert {*runs} <= {*known}, seen
            assert "blocks:" in text or [batch for batch in BATCHES if runs_at(until, batch)] == known, seen
        return
    if len(several) == len(BATCHES) - 1:
        assert "restricted-batch" not in told, seen
    else:
        assert {*told} & {"restricted-batch", *STRONGER}, seen
        assert len(several) > 1 or "restricted-batch" not in told, seen
    needed = [need for need in trace.constraints if "N" in str(need)]
    for batch in BATCHES if not {*told} & {*STRONGER} else ():
        holds = all(need.holds({"N": batch}) for need in needed)
        assert holds == (batch in runs) or batch == 1, (batch, needed, seen)
    apart = samples_apart(trace)
    if "mixes-samples" in told:
        return
    if apart is False:
        assert WRITTEN_OUT.search(text) or {*told} & {*STRONGER}, ("mixes in silence", seen)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models())
def test_the_verdict_on_a_model_is_that_of_torch(text):
    note(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "input: {x: '[N, 3]'}\nlayers:\n  s: x + ones(8, 3)\n",
        "input: {x: '[N, 3]'}\nlayers:\n  s: x.reshape(2, -1, 3)\n",
        "input: {x: '[N, 3]'}\nlayers:\n  s: softmax(x, 0)\n",
    ],
)
def test_this_test_can_fail(text, monkeypatch):
    check(text)
    trace = nnshape.trace
    silent = lambda spec, **options: trace(spec, **options) if options else replace(trace(spec), problems=())  # noqa: E731
    monkeypatch.setattr(nnshape, "trace", silent)
    with pytest.raises(AssertionError):
        check(text)
