"""Every loss function against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import Refused, check_function, tensor
from drawing import FLOATS, SIZES, nearly, often, shapes, some
from gate import held
from hypothesis import assume
from hypothesis import strategies as st

from nnshape.shapes.functions import find_function
from nnshape.shapes.notices import noticing
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

#: Left out: complex numbers, which torch's losses take by accident here and there.
REAL = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
DTYPES = often("float32", st.sampled_from(REAL), 3)
REDUCTION = st.sampled_from(["none", "mean", "sum", "mean", "none", "batchmean", "elementwise_mean"])
FLAGS = st.none() | st.booleans()
#: The last ones fit in some dtypes alone: torch refuses what overflows in the dtype that it computes in.
MARGINS = st.sampled_from([0.0, 0.5, 1, 2.5, -1.0, -1, 300, 1e5, 1e39, float("nan")])
EPSILONS = st.sampled_from([1e-6, 1, 0, -1.0, 1e5, 1e39, float("nan")])
OLD = {"reduction": REDUCTION, "size_average": often(None, FLAGS, 3), "reduce": often(None, FLAGS, 3)}


@st.composite
def stretched(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, or one that broadcasts with it, or one that does not."""
    kind = draw(st.sampled_from(["same", "same", "ones", "short", "wrong"]))
    if kind == "ones":
        return tuple(draw(st.sampled_from([size, 1])) for size in shape)
    if kind == "short":
        return shape[draw(st.integers(0, len(shape))) :]
    return shape if kind == "same" else draw(nearly(shape))


ARGUMENTS: dict[str, dict[str, Any]] = {
    "mse_loss": OLD,
    "l1_loss": OLD,
    "smooth_l1_loss": OLD | {"beta": st.sampled_from([1.0, 0.5, 0, 0.0, -1.0, float("nan")])},
    "huber_loss": {"reduction": REDUCTION, "delta": st.sampled_from([1.0, 2, 0, -1.0])},
    "soft_margin_loss": OLD,
    "binary_cross_entropy": OLD,
    "binary_cross_entropy_with_logits": OLD,
    "kl_div": OLD | {"log_target": st.booleans()},
    "poisson_nll_loss": OLD | {"log_input": st.booleans(), "full": st.booleans(), "eps": st.sampled_from([1e-8, 1])},
}
WEIGHTS = {
    "mse_loss": ["weight"],
    "l1_loss": ["weight"],
    "huber_loss": ["weight"],
    "binary_cross_entropy": ["weight"],
    "binary_cross_entropy_with_logits": ["weight", "pos_weight"],
}


@held(*ARGUMENTS, most=150)
def test_comparison(name: str, data: st.DataObject) -> None:
    draw = data.draw
    shape = draw(shapes(0, 3))
    dtype = draw(DTYPES)
    input = tensor(*shape, dtype=dtype)
    target = tensor(*draw(stretched(shape)), dtype=draw(often(dtype, DTYPES)))
    call = draw(some(**ARGUMENTS[name]))
    for weight in WEIGHTS.get(name, []):
        if draw(st.integers(0, 2)) == 0:
            call[weight] = tensor(*draw(stretched(shape)), dtype=draw(often(dtype, DTYPES)))
    check_function(name, (input, target), call, literal=(1,))


@held("gaussian_nll_loss", most=150)
def test_gaussian_nll_loss(name: str, data: st.DataObject) -> None:
    draw = data.draw
    shape = draw(shapes(0, 3))
    dtype = draw(DTYPES)
    others = often(dtype, DTYPES)
    inputs = tensor(*shape, dtype=dtype), tensor(*draw(stretched(shape)), dtype=draw(others))
    var_shape = draw(st.sampled_from([shape, shape[:-1], (*shape[:-1], 1)]) | stretched(shape))
    var = (
        draw(st.sampled_from([1.0, 0.5, -1.0]))
        if draw(st.integers(0, 5)) == 0
        else tensor(*var_shape, dtype=draw(others))
    )
    call = draw(some(full=st.booleans(), eps=EPSILONS, reduction=REDUCTION))
    check_function(name, (*inputs, var), call, literal=(1,))


def class_case(draw: Any) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Scores, class indices or probabilities, and weights that nearly always fit."""
    classes = draw(often(3, SIZES))
    front, rest = draw(st.sampled_from([(2,), (3,), (0,), ()])), draw(st.lists(SIZES, max_size=3).map(tuple))
    scores = (*front, classes, *rest) if front else (classes,)
    ids = (*front, *rest) if front else ()
    input = tensor(*draw(often(scores, nearly(scores), 10)), dtype=draw(DTYPES))
    if draw(st.integers(0, 3)):
        target = tensor(*draw(nearly(ids)), dtype=draw(often("int64", st.sampled_from(REAL), 8)))
    else:
        target = tensor(*draw(often(scores, nearly(scores), 8)), dtype=draw(often(input.dtype, DTYPES, 5)))
    call = {}
    if draw(st.integers(0, 2)) == 0:
        call["weight"] = tensor(*draw(nearly((classes,))), dtype=draw(often(input.dtype, DTYPES, 8)))
    return input, target, call


@held("nll_loss", "cross_entropy", most=300)
def test_class_loss(name: str, data: st.DataObject) -> None:
    input, target, call = class_case(data.draw)
    more = {"label_smoothing": often(0.0, st.sampled_from([0.1, 1, 1.5, -0.5]), 2)} if name == "cross_entropy" else {}
    call |= data.draw(some(**OLD, ignore_index=st.sampled_from([-100, -1, 2, 7]), **more))
    # Left out, here and below: where nothing is computed, torch looks at no dtype.
    assume(0 not in target.shape or (input.dtype in FLOATS and target.dtype in (*FLOATS, "int64")))
    check_function(name, (input, target), call, literal=(1,))


@held("linear_cross_entropy", most=200)
def test_linear_cross_entropy(name: str, data: st.DataObject) -> None:
    draw = data.draw
    features, classes = draw(often(2, SIZES)), draw(often(3, SIZES))
    front, rest = draw(st.sampled_from([(2,), (0,), ()])), draw(st.sampled_from([(), (), (2,), (2, 1)]))
    dtype = draw(often("float32", st.sampled_from(REAL), 5))
    others = often(dtype, DTYPES, 8)
    input = tensor(*draw(often((*front, features), nearly((*front, features)), 8)), dtype=dtype)
    weight = tensor(*draw(often((classes, *rest, features), nearly((classes, *rest, features)), 8)), dtype=draw(others))
    ids = (*front, *rest)
    target = tensor(*draw(often(ids, nearly(ids), 4)), dtype=draw(often("int64", st.sampled_from(REAL), 8)))
    if draw(st.integers(0, 3)) == 0:
        target = tensor(*front, classes, *rest, dtype=dtype)
    call = draw(some(reduction=REDUCTION, ignore_index=st.none() | st.integers(-1, 2), label_smoothing=st.floats(0, 1)))
    if draw(st.booleans()):
        call["linear_bias"] = tensor(*draw(nearly((classes, *rest))), dtype=draw(others))
    if draw(st.integers(0, 3)) == 0:
        call["weight"] = tensor(classes, dtype=draw(others))
    assume(0 not in target.shape or (input.dtype in FLOATS and target.dtype in (*FLOATS, "int64")))
    check_function(name, (input, weight, target), call, literal=(1,))


@held("multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", most=200)
def test_margin_loss(name: str, data: st.DataObject) -> None:
    draw = data.draw
    classes = draw(often(3, SIZES))
    scores = draw(st.sampled_from([(2, classes), (0, classes), (classes,), (1, classes), (2, 3, classes), ()]))
    ids = (
        scores[:1]
        if name == "multi_margin_loss" and len(scores) == 2
        else ()
        if name == "multi_margin_loss"
        else scores
    )
    usual = "float32" if name == "multilabel_soft_margin_loss" else "int64"
    input = tensor(*scores, dtype=draw(DTYPES))
    target = tensor(*draw(often(ids, nearly(ids), 2)), dtype=draw(often(usual, st.sampled_from(REAL), 6)))
    call = draw(some(**OLD))
    assume(
        0 not in scores or name.startswith("multilabel_soft") or (input.dtype == "float32" and target.dtype == "int64")
    )
    if name == "multi_margin_loss":
        call |= draw(some(p=st.sampled_from([1, 2, 3]), margin=MARGINS))
    if name != "multilabel_margin_loss" and draw(st.booleans()):
        call["weight"] = tensor(*draw(nearly((classes,))), dtype=draw(often(input.dtype, DTYPES, 5)))
    # Left out: where there are no samples, torch looks at no weights and no margin.
    assume(0 not in scores or (call.get("weight", input).dtype == input.dtype and call.get("margin", 0) < 1e39))
    check_function(name, (input, target), call, literal=(1,))


@held("hinge_embedding_loss", most=150)
def test_hinge_embedding_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(0, 3))
    inputs = tensor(*shape, dtype=draw(DTYPES)), tensor(*draw(stretched(shape)), dtype=draw(DTYPES))
    check_function(name, inputs, draw(some(**OLD, margin=MARGINS)), literal=(1,))


@held("cosine_embedding_loss", "margin_ranking_loss", most=150)
def test_pair_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(1, 2))
    target = shape[:-1] if name == "cosine_embedding_loss" else shape
    one, two, three = shape, draw(stretched(shape)), draw(stretched(target))
    inputs = tuple(tensor(*each, dtype=draw(DTYPES)) for each in (one, two, three))
    check_function(name, inputs, draw(some(**OLD, margin=MARGINS)), literal=(1,))


@held("triplet_margin_loss", "triplet_margin_with_distance_loss", most=120)
def test_triplet_margin_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(0, 3))
    inputs = tuple(tensor(*draw(stretched(shape)), dtype=draw(DTYPES)) for _ in range(3))
    call = draw(some(swap=st.booleans(), margin=MARGINS))
    if name == "triplet_margin_with_distance_loss":
        call |= draw(some(reduction=REDUCTION))
    else:
        call |= draw(some(**OLD, p=st.sampled_from([2.0, 1, 3.5]), eps=st.sampled_from([1e-6, 0.0])))
    check_function(name, inputs, call, literal=(1,))


@held("ctc_loss", most=250)
def test_ctc_loss(name: str, data: st.DataObject) -> None:
    draw = data.draw
    steps, batch, classes = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    batched = draw(st.booleans())
    log_probs = (steps, batch, classes) if batched else (steps, classes)
    targets = draw(often((batch, 4) if batched else (0,), nearly((batch, 4))))
    assume(len(targets) != 1 or targets == (0,))  # the lengths, all 0 here, must sum to the size
    lengths = (batch,) if batched else ()
    inputs = [
        tensor(*draw(often(log_probs, nearly(log_probs), 8)), dtype=draw(DTYPES)),
        tensor(*targets, dtype=draw(often("int64", st.sampled_from(REAL), 6))),
        *(
            tensor(*draw(often(lengths, nearly(lengths), 5)), dtype=draw(often("int64", st.sampled_from(REAL), 8)))
            for _ in "it"
        ),
    ]
    call = draw(some(blank=often(0, st.integers(-1, 4)), reduction=REDUCTION, zero_infinity=st.booleans()))
    check_function(name, tuple(inputs), call)


def test_a_loss_of_two_shapes_that_torch_broadcasts_is_noticed() -> None:
    loss = find_function("mse_loss")
    with noticing() as found:
        loss.apply((Tensor((N, 1)), Tensor((N,))), {})
    assert [(one.problem, one.message) for one in found] == [
        ("silent-broadcast", "{layer} compares [N, 1] with [N]: torch broadcasts both to [N, N]")
    ]
    with noticing() as found:
        loss.apply((Tensor((N, 10)), Tensor((N, 10))), {})
    assert not found


@pytest.mark.parametrize(("dtype", "fit", "too_large"), [
    ("uint8", (0, 255, 2.5), (-1, -1.0, 256, 1e39, float("inf"), float("nan"))),
    ("int8", (-128, 127.0), (128, -129.0)),
    ("int64", (-(2**62), 1e18), (1e19, float("nan"))),
    ("float16", (65504, -65504.0, float("inf"), float("nan")), (70000, -70000.0)),
    ("float32", (2**62, 3e38), (1e39, -1e39)),
])  # fmt: skip
def test_a_margin_must_fit_in_the_input_s_dtype(dtype: str, fit: tuple, too_large: tuple) -> None:
    inputs = tensor(2, 3, dtype=dtype), tensor(2, 3)
    for margin in (*fit, *too_large):
        answer = check_function("hinge_embedding_loss", inputs, {"margin": margin, "reduction": "none"})
        assert isinstance(answer, Refused) == (margin in too_large)
