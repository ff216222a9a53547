"""Every loss layer against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import FLOATS, nearly, often, shapes, some
from gate import held
from hypothesis import assume
from hypothesis import strategies as st
from test_functions_losses import DTYPES, MARGINS, OLD, REAL, REDUCTION, class_case, stretched

from nnshape.shapes.dtypes import DTYPES as NAMES
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

COMPARISONS: dict[str, dict[str, Any]] = {
    "MSELoss": OLD,
    "L1Loss": OLD,
    "SmoothL1Loss": OLD | {"beta": st.sampled_from([1.0, 0.5, 0, -1.0])},
    "HuberLoss": {"reduction": REDUCTION, "delta": st.sampled_from([1.0, 2, 0, -1.0])},
    "SoftMarginLoss": OLD,
    "BCELoss": OLD,
    "BCEWithLogitsLoss": OLD,
    "KLDivLoss": OLD | {"log_target": st.booleans()},
    "PoissonNLLLoss": OLD | {"log_input": st.booleans(), "full": st.booleans(), "eps": st.just(1e-8)},
    "HingeEmbeddingLoss": OLD | {"margin": MARGINS},
    "MultiLabelSoftMarginLoss": OLD,
}
WEIGHTS = {"BCELoss": ["weight"], "BCEWithLogitsLoss": ["weight", "pos_weight"], "MultiLabelSoftMarginLoss": ["weight"]}


@held(*COMPARISONS, most=80)
def test_comparison(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(0, 3))
    dtype = draw(often("float32", st.sampled_from(REAL), 5))
    inputs = tensor(*shape, dtype=dtype), tensor(*draw(stretched(shape)), dtype=draw(often(dtype, DTYPES, 5)))
    keywords = draw(some(**COMPARISONS[name]))
    for weight in WEIGHTS.get(name, []):
        if draw(st.integers(0, 2)) == 0:
            keywords[weight] = tensor(*draw(stretched(shape)), dtype=draw(often(dtype, DTYPES)))
    check_layer(name, (), keywords, inputs, literal=(1,))


@held("GaussianNLLLoss", most=80)
def test_gaussian_nll_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(0, 3))
    inputs = [tensor(*shape), tensor(*draw(stretched(shape)))]
    var_shape = draw(st.sampled_from([shape, shape[:-1], (*shape[:-1], 1)]) | stretched(shape))
    inputs.append(draw(st.sampled_from([1.0, -1.0])) if draw(st.integers(0, 5)) == 0 else tensor(*var_shape))
    keywords = draw(some(full=st.booleans(), eps=st.just(1e-6), reduction=REDUCTION))
    check_layer(name, (), keywords, tuple(inputs), literal=(1,))


@held("NLLLoss", "NLLLoss2d", "CrossEntropyLoss", most=150)
def test_class_loss(name: str, data: st.DataObject) -> None:
    input, target, keywords = class_case(data.draw)
    more = {"label_smoothing": often(0.0, st.sampled_from([0.1, 1, 1.5]), 2)} if name == "CrossEntropyLoss" else {}
    keywords |= data.draw(some(**OLD, ignore_index=st.sampled_from([-100, -1, 2]), **more))
    # Left out: where nothing is computed, torch looks at no dtype.
    assume(0 not in target.shape or (input.dtype in FLOATS and target.dtype in (*FLOATS, "int64")))
    check_layer(name, (), keywords, (input, target), literal=(1,))


@held("MultiMarginLoss", "MultiLabelMarginLoss", most=100)
def test_margin_loss(name: str, data: st.DataObject) -> None:
    draw, classes = data.draw, data.draw(often(3, st.integers(1, 3)))
    scores = draw(st.sampled_from([(2, classes), (classes,), (1, classes), (2, 3, classes), ()]))
    ids = scores if name == "MultiLabelMarginLoss" else scores[:1] if len(scores) == 2 else ()
    input = tensor(*scores, dtype=draw(DTYPES))
    target = tensor(*draw(often(ids, nearly(ids), 2)), dtype=draw(often("int64", st.sampled_from(REAL), 6)))
    keywords = draw(some(**OLD))
    if name == "MultiMarginLoss":
        keywords |= draw(some(p=st.sampled_from([1, 2, 3]), margin=st.floats(-1, 2)))
        if draw(st.booleans()):
            keywords["weight"] = tensor(*draw(nearly((classes,))), dtype=draw(often(input.dtype, DTYPES, 5)))
    check_layer(name, (), keywords, (input, target), literal=(1,))


@held("LinearCrossEntropyLoss", most=200)
def test_linear_cross_entropy_loss(name: str, data: st.DataObject) -> None:
    draw = data.draw
    features, classes = draw(often(2, st.sampled_from([1, 3, 0, -1]))), draw(often(3, st.sampled_from([1, 0, -1])))
    rest = draw(st.sampled_from([(), (), (2,), (2, 1), (-1,)]))
    front = draw(st.sampled_from([(2,), (0,), ()]))
    keywords = draw(
        some(
            out_features=st.just(rest),
            bias=st.booleans(),
            reduction=REDUCTION,
            ignore_index=st.none() | st.integers(-1, 2),
            label_smoothing=st.sampled_from([0.0, 0.1, 1, 1.5, -0.5]),
            dtype=often(None, st.sampled_from(REAL).map(NAMES.__getitem__), 5),
        )
    )
    dtype = keywords.get("dtype") or "float32"
    if draw(st.integers(0, 3)) == 0:
        keywords["weight"] = tensor(*draw(nearly((max(classes, 0),))), dtype=draw(often(dtype, DTYPES)))
    input = tensor(*draw(often((*front, max(features, 0)), nearly((*front, max(features, 0))))), dtype=dtype)
    given_rest = tuple(max(size, 0) for size in keywords.get("out_features", ()))
    scores = (*front, max(classes, 0), *given_rest)
    ids = draw(st.sampled_from([(*front, *given_rest), (*front, *given_rest), scores]))
    wanted = dtype if ids == scores else "int64"
    target = tensor(*draw(often(ids, nearly(ids), 5)), dtype=draw(often(wanted, st.sampled_from(REAL), 8)))
    assume(0 not in target.shape or target.dtype in (*FLOATS, "int64"))
    check_layer(name, (features, classes), keywords, (input, target), literal=(1,))


@held("CosineEmbeddingLoss", "MarginRankingLoss", most=80)
def test_pair_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(1, 2))
    target = shape[:-1] if name == "CosineEmbeddingLoss" else shape
    inputs = tuple(tensor(*each) for each in (shape, draw(stretched(shape)), draw(stretched(target))))
    check_layer(name, (), draw(some(**OLD, margin=MARGINS)), inputs, literal=(1,))


@held("TripletMarginLoss", "TripletMarginWithDistanceLoss", most=120)
def test_triplet_loss(name: str, data: st.DataObject) -> None:
    draw, shape = data.draw, data.draw(shapes(0, 3))
    inputs = tuple(tensor(*draw(stretched(shape)), dtype=draw(DTYPES)) for _ in range(3))
    keywords = draw(some(swap=st.booleans(), margin=MARGINS))
    if name == "TripletMarginLoss":
        keywords |= draw(some(**OLD, p=st.sampled_from([2.0, 1, 3.5]), eps=st.sampled_from([1e-6, 0.0])))
    else:
        keywords |= draw(some(reduction=REDUCTION))
    check_layer(name, (), keywords, inputs, literal=(1,))


def test_a_distance_of_one_s_own() -> None:
    for distance in (find_function("mse_loss"), find_layer("Bilinear")(3, 3, 1)):
        inputs = (tensor(2, 3), tensor(2, 3), tensor(2, 3))
        check_layer("TripletMarginWithDistanceLoss", (), {"distance_function": distance}, inputs)


@held("CTCLoss", most=120)
def test_ctc_loss(name: str, data: st.DataObject) -> None:
    draw = data.draw
    steps, batch, classes = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    batched = draw(st.booleans())
    log_probs = draw(often((steps, batch, classes) if batched else (steps, classes), nearly((steps, batch, classes))))
    targets = draw(often((batch, 4) if batched else (0,), nearly((batch, 4))))
    assume(len(targets) != 1 or targets == (0,))  # the lengths, all 0 here, must sum to the size
    lengths = (batch,) if batched else ()
    inputs = (
        tensor(*log_probs),
        tensor(*targets, dtype="int64"),
        *(tensor(*draw(often(lengths, nearly(lengths), 5)), dtype="int64") for _ in "it"),
    )
    keywords = draw(some(blank=often(0, st.integers(-1, 4)), reduction=REDUCTION, zero_infinity=st.booleans()))
    check_layer(name, (), keywords, inputs)


@held("AdaptiveLogSoftmaxWithLoss", most=250)
def test_adaptive_log_softmax(name: str, data: st.DataObject) -> None:
    draw = data.draw
    features, classes = draw(often(8, st.sampled_from([1, 3, 0, -1]))), draw(often(10, st.integers(-1, 4)))
    cutoffs = draw(often([2, 5], st.lists(st.integers(-1, 10), max_size=3) | st.sampled_from([(1,), (2, 4, 9), [2.5]])))
    keywords = draw(
        some(
            div_value=st.sampled_from([4.0, 2, 1, 0.5, 0, -2.0]),
            head_bias=st.booleans(),
            dtype=often(None, st.sampled_from(REAL).map(NAMES.__getitem__), 4),
        )
    )
    front = draw(st.sampled_from([(2,), (1,), (0,), ()]))
    input = tensor(*draw(often((*front, max(features, 0)), nearly((*front, max(features, 0))))),
                   dtype=draw(often(keywords.get("dtype") or "float32", DTYPES, 8)))  # fmt: skip
    target = tensor(*draw(often(front, nearly(front), 6)), dtype=draw(often("int64", st.sampled_from(REAL), 6)))
    assume(0 not in target.shape or target.dtype == "int64")
    check_layer(name, (features, classes, cutoffs), keywords, (input, target))


def test_messages_say_how_the_target_should_be_declared() -> None:
    with pytest.raises(Refusal) as refused:
        find_layer("CrossEntropyLoss")().forward(Tensor((N, 10)), tensor(1, dtype="int64").like((N, 1)))
    assert refused.value.message == "{layer} wants class indices as int64[N], but target is int64[N, 1]"
    assert refused.value.note == "0D or 1D target tensor expected, multi-target not supported"
    with pytest.raises(Refusal) as refused:
        find_layer("NLLLoss")().forward(Tensor((N, 10)), Tensor((N,)))
    assert refused.value.problem == "wrong-dtype"
