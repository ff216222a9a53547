"""Arguments taken for others: the expert's edit comes first, and the fixed model runs in torch."""

import pytest

import nnshape

Q_K_V = "input: {q: 5x64, k: 7x32, v: 7x16}\nlayers:\n  a: "
FIRST = {
    "groups": ("input: 64x8x8\nlayers:\n  a: GroupNorm(64, 32)\n", "a: GroupNorm(32, 64)"),
    "groups by name": (
        "input: 64x8x8\nlayers:\n  a: GroupNorm(num_groups=64, num_channels=32)\n",
        "a: GroupNorm(num_groups=32, num_channels=64)",
    ),
    "features": ("input: 48\nlayers:\n  a: Linear(10, 48)\n", "a: Linear(48, 10)"),
    "channels": ("input: 64x8x8\nlayers:\n  a: Conv2d(128, 64, 3)\n", "a: Conv2d(64, 128, 3)"),
    "heads": (
        "input: 5x64\nlayers:\n  a: MultiheadAttention(4, 64, batch_first=True)(x, x, x)\n",
        "a: MultiheadAttention(64, 4, batch_first=True)(x, x, x)",
    ),
    "hidden size": (
        "input: 5x8\nlayers:\n  a: LSTM(16, 8, batch_first=True)\n",
        "a: LSTM(8, 16, batch_first=True)",
    ),
    "a factor": (
        "input: 3x8x8\nlayers:\n  a: MaxPool2d(4)\n  u: Upsample(4)\n  c: _ + x\n".replace("(4)", "(2)"),
        "u: Upsample(scale_factor=2)",
    ),
    "a factor by name": (
        "input: 3x8x8\nlayers:\n  a: MaxPool2d(4)\n  u: Upsample(size=4, mode='bilinear')\n  c: _ + x\n".replace(
            "=4", "=2"
        ).replace("(4)", "(2)"),
        "u: Upsample(scale_factor=2, mode='bilinear')",
    ),
    "a factor of a function": (
        "input: 3x8x8\nlayers:\n  a: MaxPool2d(2)\n  u: F.interpolate(a, 2)\n  c: cat((u, x), 1)\n",
        "u: F.interpolate(a, scale_factor=2)",
    ),
    "a factor before a kernel": (
        "input: 3x8x8\nlayers:\n  a: MaxPool2d(2)\n  u: Upsample(2)\n  c: Conv2d(3, 4, 3)\n",
        "u: Upsample(scale_factor=2)",
    ),
    "the width of keys and values": (
        Q_K_V + "MultiheadAttention(64, 4, batch_first=True)(q, k, v)\n",
        "a: MultiheadAttention(64, 4, batch_first=True, kdim=32, vdim=16)(q, k, v)",
    ),
    "the width of keys by name": (
        Q_K_V + "MultiheadAttention(64, 4, batch_first=True)(query=q, key=k, value=k)\n  b: v + a[0].mean()\n",
        "a: MultiheadAttention(64, 4, batch_first=True, kdim=32, vdim=32)(query=q, key=k, value=k)",
    ),
    "a wrong width of values": (
        Q_K_V + "MultiheadAttention(64, 4, batch_first=True, kdim=32, vdim=32)(q, k, v)\n",
        "a: MultiheadAttention(64, 4, batch_first=True, kdim=32, vdim=16)(q, k, v)",
    ),
    "a batch": ("input: 32x3x24x24\nlayers:\n  a: Conv2d(3, 4, 3)\n", "input: 3x24x24"),
    "a batch of one": ("input: 1x3x24x24\nlayers:\n  a: Conv2d(3, 4, 3)\n  b: ReLU()\n", "input: 3x24x24"),
}


@pytest.mark.parametrize(("text", "shown"), FIRST.values(), ids=FIRST)
def test_the_first_fix_is_what_was_meant(text, shown):
    trace = nnshape.trace(nnshape.loads(text))
    assert len(trace.errors) == 1
    first = nnshape.find_fixes(trace)[0]
    assert first.shown == shown
    for edit in sorted(first.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    fixed = nnshape.trace(nnshape.loads(text))
    assert fixed.errors == ()
    assert nnshape.verify(fixed, device="cpu").agree


NOT = {
    "groups of another size": ("input: 64x8x8\nlayers:\n  a: GroupNorm(7, 64)\n", "comes first"),
    "a size that works": ("input: 3x2x2\nlayers:\n  u: Upsample(2)\n  c: Linear(3, 4)\n", "is a size"),
    "a larger number": ("input: 3x8x8\nlayers:\n  u: Upsample(224)\n  c: _ + x\n", "is a size"),
    "features that neither argument has": ("input: 50\nlayers:\n  a: Linear(10, 48)\n", "comes first"),
    "a map without a batch": ("input: 32x24x24x24\nlayers:\n  a: Conv3d(3, 4, 3)\n", "no batch"),
}


@pytest.mark.parametrize(("text", "description"), NOT.values(), ids=NOT)
def test_it_is_not_guessed(text, description):
    trace = nnshape.trace(nnshape.loads(text))
    assert trace.errors
    assert not [fix for fix in nnshape.find_fixes(trace) if description in fix.description]


@pytest.mark.parametrize(
    ("rest", "safe"),
    [
        ("", []),
        ("  b: ReLU()\n", []),
        ("  b: Linear(8, 2)\n", ["a: Linear(8, 8)"]),
        ("  b: _ + x\n", ["a: Linear(8, 8)"]),
        ("expect: {output: 8}\n", ["a: Linear(8, 8)"]),
    ],
)
def test_a_size_is_a_safe_fix_only_if_the_rest_of_the_model_refutes_swapped_arguments(rest, safe):
    """Linear(9, 8) takes 8 features as Linear(8, 9) and as Linear(8, 8): --fix must not pick one without evidence."""
    found = nnshape.find_fixes(nnshape.trace(nnshape.loads(f"input: 8\nlayers:\n  a: Linear(9, 8)\n{rest}")))
    assert ("a: Linear(8, 9)" in [fix.shown for fix in found]) is not bool(safe)
    assert [fix.shown for fix in found if fix.safe] == safe
