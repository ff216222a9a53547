"""Fixes of the arguments as written: each by its kind, its place and the step as it then reads."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes import edited

HEAD = "input: {a: '[N, 8]', b: '[N, 8]', ids: 'int64[N]'}\nlayers:\n"


def offered(step: str, head: str = HEAD) -> tuple[str, str, list[str]]:
    """The kind of the only error, the text that it points at, and the text of the step with each fix."""
    text = f"{head}  c: {step}\n"
    trace = nnshape.trace(nnshape.loads(text))
    (error,) = trace.errors
    assert error.span is not None
    fixes = nnshape.find_fixes(trace)
    for fix in fixes:
        assert not nnshape.trace(nnshape.loads(edited(text, fix.edits))).errors
        assert not fix.safe
    texts = [edited(text, fix.edits).removeprefix(f"{head}  c: ").rstrip() for fix in fixes]
    return error.kind, error.span.text, texts


@pytest.mark.parametrize(
    ("step", "kind", "place", "fixed"),
    [
        ("cat(a, b, 1)", "unknown-argument", "cat(a, b, 1)", "cat((a, b), 1)"),
        ("cat(a, b, dim=1)", "wrong-type", "a", "cat((a, b), dim=1)"),
        ("stack(a, b)", "wrong-type", "a", "stack((a, b))"),
        ("stack(a, b, a, 1)", "unknown-argument", "stack(a, b, a, 1)", "stack((a, b, a), 1)"),
        ("hstack(a, b)", "unknown-argument", "hstack(a, b)", "hstack((a, b))"),
        ("CrossEntropyLoss(a, ids)", "wrong-type", "ids", "CrossEntropyLoss()(a, ids)"),
        ("MSELoss(a, b, reduction='sum')", "wrong-type", "a", "MSELoss(reduction='sum')(a, b)"),
        ("ReLU(a)", "wrong-type", "a", "ReLU()(a)"),
        ("Softmax(a, dim=1)", "wrong-type", "1", "Softmax(dim=1)(a)"),
        ("Softmax(a, 1)", "unknown-argument", "Softmax(a, 1)", "Softmax(1)(a)"),
        ("Dropout(a, 0.5)", "wrong-type", "a", "Dropout(0.5)(a)"),
        ("Linear(8, 4, bis=False)(a + b)", "unknown-argument", "bis=False", "Linear(8, 4, bias=False)(a + b)"),
        ("Linear(in_channels=8, out_features=4)(a + b)", "unknown-argument", "in_channels=8",
         "Linear(in_features=8, out_features=4)(a + b)"),
        ("softmax(a + b, axis=1)", "unknown-argument", "axis=1", "softmax(a + b, dim=1)"),
        ("ReLU(dim=1)(a + b)", "unknown-argument", "dim=1", "ReLU()(a + b)"),
        ("GELU(dim=1, approximate='tanh')(a + b)", "unknown-argument", "dim=1", "GELU(approximate='tanh')(a + b)"),
        ("Linear(8, 4, in_features=3)(a + b)", "unknown-argument", "in_features=3", "Linear(8, 4)(a + b)"),
        ("(a + b).transpose(0, 1, 2).mean()", "unknown-argument", "(a + b).transpose(0, 1, 2)",
         "(a + b).transpose(0, 1).mean()"),
        ("ReLU()(a + b, 3)", "unknown-argument", "ReLU()(a + b, 3)", "ReLU()(a + b)"),
    ],
)  # fmt: skip
def test_the_arguments_are_put_as_the_signature_wants_them(step, kind, place, fixed):
    head = HEAD if "b" in step.replace("bias", "") else HEAD.replace(", b: '[N, 8]'", "")
    assert offered(step, head) == (kind, place, [fixed])


def test_an_argument_that_is_far_from_all_is_dropped_and_never_renamed():
    assert offered("Linear(8, 4, strid=2)(a + b)")[2] == ["Linear(8, 4)(a + b)"]


def test_an_argument_that_is_a_part_of_one_name_alone_is_written_in_full():
    head = "input: 3x32x32\nlayers:\n"
    assert offered("Conv2d(3, 16, kernel=5)", head)[2] == ["Conv2d(3, 16, kernel_size=5)"]
    assert offered("Conv2d(3, 16, 5, mode='zeros')", head)[2] == ["Conv2d(3, 16, 5, padding_mode='zeros')"]
