"""Fixes of the tensors given to a call, and the edits that are never offered."""

from __future__ import annotations

import pytest
from test_arguments import offered

import nnshape
from nnshape.fixes import apply_fixes, edited


def inputs(**shapes: str) -> str:
    return f"input: {{{', '.join(f'{name}: {shape!r}' for name, shape in shapes.items())}}}\nlayers:\n"


SEQUENCE = inputs(x="[N, T, 8]", h="[N, 16]", s="[N, 16]")
SCORES = inputs(x="8", t="int64[N, 8]")
FLOATS = inputs(x="8", t="8")
IDS = inputs(x="8", t="int64[N]")
MASK = inputs(x="[N, 50, 64]", m="[N, 50]")
WORDS = inputs(ids="int64[N, T]", x="[N, T, 4]")


@pytest.mark.parametrize(
    ("head", "step", "place", "fixed"),
    [
        (SEQUENCE, "GRU(8, 16, batch_first=True)(x, h)", "h", ["GRU(8, 16, batch_first=True)(x, h.unsqueeze(0))"]),
        (SEQUENCE, "LSTM(8, 16, batch_first=True)(x, (h, s))", "(h, s)",
         ["LSTM(8, 16, batch_first=True)(x, (h.unsqueeze(0), s.unsqueeze(0)))"]),
        (SCORES, "CrossEntropyLoss()(x, t)", "t",
         ["CrossEntropyLoss()(x, t.argmax(1))", "CrossEntropyLoss()(x, t.float())"]),
        (FLOATS, "CrossEntropyLoss()(x, t.long())", "t.long()",
         ["CrossEntropyLoss()(x, t.argmax(1))", "CrossEntropyLoss()(x, t)"]),
        (FLOATS, "nll_loss(x, t)", "t", ["nll_loss(x, t.argmax(1))"]),
        (IDS, "CrossEntropyLoss()(t, x)", "x", ["CrossEntropyLoss()(x, t)"]),
        (IDS, "cross_entropy(t, x)", "x", ["cross_entropy(x, t)"]),
    ],
)  # fmt: skip
def test_states_and_targets_of_a_wrong_rank(head, step, place, fixed):
    assert offered(step, head) == ("wrong-rank", place, fixed)


@pytest.mark.parametrize(
    ("step", "fixed"),
    [
        ("x * m", "x * m[:, :, None]"),
        ("m * x", "m[:, :, None] * x"),
        ("mul(x, m)", "mul(x, m[:, :, None])"),
        ("x.masked_fill(m > 0, 0.0)", "x.masked_fill((m > 0)[:, :, None], 0.0)"),
        ("where(m > 0, x, 0.0)", "where((m > 0)[:, :, None], x, 0.0)"),
    ],
)
def test_a_mask_of_the_steps_gets_an_axis_for_the_features(step, fixed):
    kind, _, fixes = offered(step, MASK)
    assert (kind, fixes) == ("size-mismatch", [fixed])


def test_an_axis_is_never_put_where_a_symbol_would_have_to_be_a_number():
    assert offered("x + s", inputs(x="[N, T, 64]", s="64"))[2] == ["x + s[:, None]"]


@pytest.mark.parametrize(
    ("head", "step", "kind", "first"),
    [
        (WORDS, "Embedding(10, 4)(x)", "wrong-dtype", "Embedding(10, 4)(ids)"),
        (WORDS, "Linear(4, 10)(ids)", "wrong-dtype", "Linear(4, 10)(x)"),
        (inputs(a="7", b="4"), "Linear(4, 10)(a)", "size-mismatch", "Linear(4, 10)(b)"),
    ],
)
def test_the_input_that_no_step_uses_is_the_one_that_was_meant(head, step, kind, first):
    found = offered(step, head)
    assert (found[0], found[2][0]) == (kind, first)


def test_operands_of_a_product_in_the_wrong_order():
    text = "input: 16\nlayers:\n  w: Parameter(16, 5)\n  y: {}\n"
    for step, meant in (("w @ x", "x @ w"), ("matmul(w, x)", "matmul(x, w)"), ("w.matmul(x)", "x.matmul(w)")):
        trace = nnshape.trace(nnshape.loads(text.format(step)))
        (fix,) = nnshape.find_fixes(trace)
        assert (fix.problem.kind, edited(text.format(step), fix.edits)) == ("fixed-batch", text.format(meant))


RESIDUAL = """\
input: 64x16x16
blocks:
  Res(a, b)(x):
    c: {}
    o: {}
layers:
  r: Res(64, 128)
"""


@pytest.mark.parametrize(
    ("branch", "total", "layer", "after"),
    [
        ("Conv2d(a, b, 3, padding=1)", "x + c", "Conv2d(auto, b, 1)(x)", "proj + c"),
        ("Conv2d(a, b, 3, 2, padding=1)", "c + x", "Conv2d(auto, b, 1, 2)(x)", "c + proj"),
        ("Sequential(Conv2d(a, b, 3, 2, padding=1), BatchNorm2d(b))", "relu(c + x)", "Conv2d(auto, b, 1, 2)(x)",
         "relu(c + proj)"),
    ],
)  # fmt: skip
def test_a_shortcut_inside_a_block_is_projected(branch, total, layer, after):
    text = RESIDUAL.format(branch, total)
    texts = [edited(text, fix.edits) for fix in nnshape.find_fixes(nnshape.trace(nnshape.loads(text)))]
    assert text.replace(f"    o: {total}", f"    proj: {layer}\n    o: {after}") in texts


@pytest.mark.parametrize(
    "loss", ["CrossEntropyLoss()(fc, t)", "mse_loss(fc, t)", "MSELoss()(softmax(fc, 1), t)", "L1Loss()(fc, t)",
             "binary_cross_entropy_with_logits(fc, t)", "KLDivLoss()(log_softmax(fc, 1), t)"],
)  # fmt: skip
@pytest.mark.parametrize("width", ["10", "classes"])
def test_the_number_of_classes_is_never_changed_to_please_a_loss(loss, width):
    text = f"hparams: {{classes: 10}}\ninput: {{x: '512', t: '12'}}\nlayers:\n  fc: Linear(512, {width})(x)\n"
    if width == "10":
        text = text.replace("hparams: {classes: 10}\n", "")
    text += f"  loss: {loss}\n"
    fixes = nnshape.find_fixes(nnshape.trace(nnshape.loads(text)))
    assert [edited(text, fix.edits) for fix in fixes] == [text.replace("t: '12'", "t: '10'")]


def test_a_named_hparam_is_never_changed_to_please_one_layer():
    text = "hparams: {width: 64}\ninput: 512\nlayers:\n  fc: Linear(512, {})\n  bn: BatchNorm1d({})\n"
    for one, two in (("width", "20"), ("30", "width")):
        changed = text.replace("{}", one, 1).replace("{}", two, 1)
        fixes = nnshape.find_fixes(nnshape.trace(nnshape.loads(changed)))
        assert fixes
        assert all("hparams: {width: 64}" in edited(changed, fix.edits) for fix in fixes)


def test_a_layer_of_the_last_dimension_is_never_turned_onto_another_of_a_map():
    for step in ("LayerNorm(96)", "RMSNorm(96)", "Linear(96, 4)"):
        text = f"input: 96x14x14\nlayers:\n  a: {step}\n"
        for fix in nnshape.find_fixes(nnshape.trace(nnshape.loads(text))):
            after = edited(text, fix.edits)
            assert "transpose" not in after
            assert after.count("permute") in (0, 2)


def test_a_fix_that_could_mean_another_thing_is_not_made_by_itself():
    for head, step in ((WORDS, "Linear(4, 10)(ids)"), (SCORES, "CrossEntropyLoss()(x, t)"), (MASK, "x * m")):
        trace = nnshape.trace(nnshape.loads(f"{head}  c: {step}\n"))
        assert apply_fixes(trace).fixes == ()


def test_nothing_is_tried_on_an_unknown_value():
    trace = nnshape.trace(nnshape.loads("input: 8\nlayers:\n  z: cat(5, 0)\n  y: Linear(8, 2)(z)\n"))
    assert nnshape.find_fixes(trace) == ()
