"""What is wrong with a model, and where it is said to be; and that the trace goes on from there."""

import pytest


def test_a_wrong_size_is_told_at_its_argument_and_the_trace_goes_on(steps):
    t = steps("""
        fc1: Linear(7, 4)
        act: ReLU()
        fc2: Linear(4, 2)
        fc3: Linear(3, 1)
    """, input="8")  # fmt: skip
    assert t.problems == [("size-mismatch", 3, "7"), ("size-mismatch", 6, "3")]
    assert t.trace.problems[0].message == "fc1 wants 7 features, but 8 arrive"
    assert t["fc2"] == "2"
    assert (t.trace.root.partial_parameters, t.trace.root.partial_macs) == (False, True)


@pytest.mark.parametrize(
    ("body", "kind", "text", "help"),
    [
        ("a: Lineer(8, 4)", "unknown-layer", "Lineer", "did you mean Linear?"),
        ("a: Linear(8, 4)\n  b: aa + 1", "unknown-name", "aa", "did you mean a?"),
        ("a: Linear(8, out_feature=4)", "unknown-argument", "out_feature=4", "did you mean out_features?"),
        ("a: Linear(8)", "missing-argument", "Linear(8)", ""),
        ("a: Linear(8, 4, True, None, None, 3)", "unknown-argument", "Linear(8, 4, True, None, None, 3)", ""),
        ("a: Linear(8, 'four')", "wrong-type", "'four'", ""),
        ("a: Linear(8, 2.5)", "wrong-type", "2.5", ""),
        ("a: softmaks(1)", "unknown-name", "softmaks", "did you mean softmax?"),
        ("a: x.transpos(0, 1)", "unknown-name", "transpos", "did you mean transpose?"),
        ("a: x.shape[5]", "index-error", "x.shape[5]", ""),
        ("a: Linear(8, 4) if x else Identity()", "wrong-type", "x", ""),
        ("a: 1 / 0", "wrong-type", "1 / 0", ""),
        ("a: 3(x)", "wrong-type", "3", ""),
        ("a: Sequential(ReLU(), k=3)", "unknown-argument", "k=3", ""),
        ("a: Linear(8, 4)(Linear(8, 8)(x))", "syntax", "Linear(8, 4)(Linear(8, 8)(x))", "give it a step of its own"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place(of, body, kind, text, help):
    t = of(f"input: 8\nlayers:\n  {body}\n")
    assert [(k, s) for k, _, s in t.problems] == [(kind, text)]
    assert help in "".join(t.trace.problems[0].help)


def test_a_condition_on_a_symbol_asks_for_its_value(of):
    t = of("input: 3xHxW\nlayers:\n  a: Conv2d(3, 4, 3) if H > 4 else Identity()\n")
    assert t.problems == [("unknown-value", 3, "H > 4")]
    assert "dims: {H: 224}" in t.trace.problems[0].help[0]


def test_a_fault_inside_a_block_tells_the_calls_that_led_there(of):
    t = of("""
        input: 8
        blocks:
          Inner(d):
            fc: Linear(d, 4)
          Outer(d):
            inner: Inner(d)
        layers:
          one: Outer(8)
          two: Outer(7)
    """)
    (problem,) = t.trace.problems
    assert (problem.kind, problem.span.line, problem.span.text) == ("size-mismatch", 4, "d")
    assert [(frame.span.line, frame.text) for frame in problem.frames] == [(9, "two"), (6, "two.inner")]


def test_the_step_that_made_the_tensor_is_shown(steps):
    t = steps("a: Conv2d(1, 6, 5)\nb: Conv2d(8, 3, 3)", input="1x32x32")
    related = t.trace.problems[0].related
    assert [(label.span.line, label.text) for label in related] == [(3, "5x5 kernel: 1x32x32 -> 6x28x28")]


def test_constraints_are_collected_with_the_step_that_needs_them(steps):
    t = steps("a: Conv2d(1, 6, 5)", input="1xHxW")
    assert sorted(map(str, t.trace.requirements)) == ["H >= 5", "W >= 5"]
    assert {requirement.path for requirement in t.trace.requirements} == {"a"}
    assert steps("a: Conv2d(1, 6, 5)", input="1x4x4").problems != []


HOSTILE = {
    "power": "a: 9**9**9",
    "shift": "a: 1 << 10**9",
    "range": "a: Sequential(ReLU() for i in range(10**12))",
    "loops": "a: Sequential(ReLU() for i in range(10000) for j in range(10000))",
    "tuple": "a: (1, 2) * 10**9",
    "string": "a: Sequential((f'{i}' * 10**9, ReLU()) for i in range(2))",
    "big-layer": "a: Linear(8, 2**62)\n  b: Linear(2**62, 2**62)",
    "digits": f"a: Linear(8, {'9' * 1500})",
    "sizes": "a: ones(2**40, 2**40)",
    "format": "a: x.__class__",
    "dunder": "a: (1).__class__.__bases__",
    "calls": "a: Sequential(Sequential(Sequential(ReLU() for i in range(99)) for j in range(99)) for k in range(99))",
    "repeat": "a: x.repeat(2**62, 2**62)",
    "sum": "a: sum(range(10000)) ** sum(range(10000))",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_step_gets_a_located_error_in_bounded_work(of, body, calls_of, monkeypatch):
    monkeypatch.setattr("nnshape.tracing.tracer.CALLS", 5_000)
    traces = []
    assert calls_of(lambda: traces.append(of(f"input: 8\nlayers:\n  {body}\n"))) < 5_000_000
    (t,) = traces
    assert t.problems
    assert all(line >= 3 for _, line, _ in t.problems)


def test_blocks_that_apply_each_other_end(of):
    t = of("""
        input: 8
        blocks:
          A():
            x1: B()
          B():
            x1: A()
        layers:
          a: A()
    """)
    assert t.problems[0][0] == "too-large"


def test_a_block_that_doubles_itself_ends_at_the_limit(of, monkeypatch):
    monkeypatch.setattr("nnshape.tracing.tracer.CALLS", 5_000)
    blocks = "\n".join(f"  B{i}:\n    a: B{i + 1}()\n    b: B{i + 1}()\n    c: B{i + 1}()" for i in range(40))
    t = of(f"input: 8\nblocks:\n{blocks}\n  B40:\n    a: ReLU()\nlayers:\n  a: B0()\n")
    assert "too-large" in {kind for kind, _, _ in t.problems}


def test_the_value_of_a_step_is_no_item_of_a_sequential(steps):
    body = "layer: Linear(8, 8)\nh: Sequential({} for i in range(3))"
    t = steps(body.format("layer"), input="8")
    assert t.problems == [("wrong-type", 4, "layer")]
    assert t.trace.problems[0].help == ("write layer(_) to call the module of that step again",)
    assert steps(body.format("layer(_)"), input="8").problems == []


#: A model with one fault, and the kind, line and text of the one error that it gets.
ONE_FAULT = {
    "a norm of another width": (
        "input: 256x8x8\nlayers:\n  bn: BatchNorm2d(128)\n  r: ReLU()\n  c: Conv2d(256, 10, 1)\n",
        ("size-mismatch", 3, "128"),
    ),
    "a group norm, read twice": (
        "input: 3x32x32\nlayers:\n  a: Conv2d(3, 100, 1)\n  n: GroupNorm(32, 64)\n  b: Conv2d(100, 8, 3)\n  c: a + n\n",
        ("size-mismatch", 4, "64"),
    ),
    "an instance norm": (
        "input: 16x8x8\nlayers:\n  n: InstanceNorm2d(8, affine=True)\n  c: Conv2d(16, 4, 1)\n",
        ("size-mismatch", 3, "8"),
    ),
    "a PReLU": (
        "input: 16x8x8\nlayers:\n  n: PReLU(8)\n  c: Conv2d(16, 4, 1)\n",
        ("size-mismatch", 3, "8"),
    ),
    "a layer norm, and a layer of its width": (
        "input: 128x512\nlayers:\n  n: LayerNorm(768)\n  c: Linear(768, 4)\n",
        ("size-mismatch", 3, "768"),
    ),
    "a missing flatten, and the layers below": (
        "input: 64x6x6\nlayers:\n  a: Linear(128, 32)\n  n: LayerNorm(32)\n  b: Linear(32, 4)  -> 4\n",
        ("size-mismatch", 3, "128"),
    ),
    "a flat image": (
        "input: 784\nlayers:\n  a: Conv2d(1, 8, 3)\n  p: MaxPool2d(2)\n  f: Flatten()\n  b: Linear(1352, 4)\n",
        ("wrong-rank", 3, "Conv2d(1, 8, 3)"),
    ),
    "a layer of another family": (
        "input: 120\nlayers:\n  n: BatchNorm2d(120)\n  b: Linear(120, 4)\n",
        ("wrong-rank", 3, "BatchNorm2d(120)"),
    ),
    "a sum of two widths": (
        "input: 8x20x20\nlayers:\n  a: Conv2d(8, 16, 1)\n  h: a + x\n  b: Conv2d(16, 4, 1)\n  c: Conv2d(4, 2, 1)\n",
        ("size-mismatch", 4, "a + x"),
    ),
    "a misspelt section": (
        "input: 3x32x32\nhparam: {w: 16, d: 3}\nlayers:\n  a: Conv2d(3, w, d)\n  b: Conv2d(w, w, d)\n",
        ("unknown-key", 2, "hparam"),
    ),
    "a number in quotes": (
        "input: 3x32x32\nhparams: {ch: '64'}\nblocks:\n  B(c):\n    y: Conv2d(c, c, 3)\n    n: BatchNorm2d(c)\n"
        "layers:\n  a: Conv2d(3, ch, 3)\n  n: BatchNorm2d(ch)\n  b: B(ch)\n  c: Conv2d(ch, ch * 2, 3)\n",
        ("wrong-type", 8, "ch"),
    ),
    "a block that cannot be read": (
        "input: 3x32x32\nblocks:\n  Conv(i, o): [[]]\nlayers:\n  a: Conv(3, 16)\n  b: Conv2d(16, 8, 3)\n",
        None,
    ),
}


@pytest.mark.parametrize(("text", "error"), ONE_FAULT.values(), ids=ONE_FAULT)
def test_one_fault_gives_one_error(of, text, error):
    found = of(text).problems
    assert len(found) == 1, found
    assert error is None or found == [error]


def test_a_fault_does_not_hide_another(of):
    text = "input: 256x8x8\nlayers:\n  bn: BatchNorm2d(128)\n  c: Conv2d(256, 10, 1)\n  d: Conv2d(12, 3, 1)\n"
    assert of(text).problems == [("size-mismatch", 3, "128"), ("size-mismatch", 5, "12")]


def test_what_a_block_without_steps_gives_is_unknown(of):
    t = of("input: 3x8x8\nblocks:\n  B(): {}\nlayers:\n  a: B()\n")
    assert [kind for kind, _, _ in t.problems] == ["missing-key"]
    assert (t.trace.totals.partial_parameters, t.trace.totals.partial_macs) == (True, True)
