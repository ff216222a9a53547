"""Each construct of the language, traced."""

import pytest

from nnshape import SpecError


def test_a_shape_without_a_batch_gets_one(steps):
    assert steps("a: ReLU()", input="1x28x28").trace.inputs["x"].shape[1:] == (1, 28, 28)
    assert str(steps("a: ReLU()", input="1x28x28").trace.inputs["x"].shape[0]) == "N"


def test_a_bracketed_shape_is_taken_as_written(steps):
    assert steps("a: ReLU()", input="[T, 6]")["a"] == "[T, 6]"
    assert steps("a: ReLU()", input="[8, 6]").trace.inputs["x"].shape == (8, 6)


def test_several_inputs_by_name(steps):
    t = steps("a: p + q", input="{p: 4x5, q: '[N, 4, 5]'}")
    assert t["a"] == "4x5"
    assert list(t.trace.inputs) == ["p", "q"]


def test_dtypes_stand_before_the_bracket(steps):
    assert steps("a: Embedding(5, 6)", input="int64[N, T]")["a"] == "T x 6"


def test_the_running_value(steps):
    t = steps("""
        a: Linear(32, 8)
        b: relu(_)
        c: _ + a
    """)
    assert t["c"] == "1x32x8"


def test_construct_and_apply(steps):
    t = steps("""
        a: Linear(8, 4)
        b: Linear(8, 3)(x)
        c: Bilinear(4, 3, 2)(a, input2=b)
    """, input="8")  # fmt: skip
    assert (t["a"], t["b"], t["c"]) == ("4", "3", "2")


def test_functions_take_the_running_value_where_no_tensor_is_given(steps):
    t = steps("""
        a: flatten(1)
        b: relu(x + 1)
        c: cat([a, b.flatten(1)], 1)
        d: arange(5)
    """, input="3x4x5")  # fmt: skip
    assert t["a"] == "60"
    assert t["b"] == "3x4x5"
    assert t["c"] == "120"
    assert t["d"] == "int64[5]"


def test_methods_indexing_slices_and_arithmetic(steps):
    t = steps("""
        a: x.transpose(1, 2)
        b: x[:, 0]
        c: x[:, :, 1:3] * 2 - x[..., :2]
        d: x @ a
        e: -x
        f: x[:, None]
        g: x.mT.shape[0]
    """, input="4x6")  # fmt: skip
    assert t["a"] == "6x4"
    assert t["b"] == "6"
    assert t["c"] == "4x2"
    assert t["d"] == "4x4"
    assert t["e"] == "4x6"
    assert t["f"] == "1x4x6"


def test_a_module_called_again_is_counted_once(steps):
    t = steps("""
        embed: Embedding(10, 4)(x)
        again: embed(x)
        w: embed.weight
    """, input="int64[N, T]")  # fmt: skip
    assert t.trace.totals.parameters == 40
    assert t.calls["again"].reused
    assert t.calls["again"].parameters == 0
    assert t["w"] == "[10, 4]"


def test_a_step_of_a_functions_name_is_called_again(steps):
    t = steps("""
        relu: ReLU()
        fc: Linear(8, 8)
        out: relu(fc)
    """, input="8")  # fmt: skip
    assert t.calls["out"].module is t.calls["relu"].module


def test_a_function_is_still_a_function_after_a_step_of_its_name(steps):
    t = steps("""
        relu: relu(x)
        out: relu(relu)
    """, input="8")  # fmt: skip
    assert t.problems == []
    assert t.calls["out"].module is None


def test_sequential_unrolls_and_names(steps):
    t = steps("""
        h: Sequential(Linear(8, 8) for i in range(3))
        g: Sequential((f'fc{i}', Linear(8, 8)) for i in range(1, 3))
        k: Sequential(ReLU(), *(Linear(8, 8) for i in range(2)), Linear(8, 2))
        m: Sequential(Linear(2, 2) for a in range(2) for b in range(2) if a != b)
    """, input="8")  # fmt: skip
    assert [p for p in t.calls if p.startswith("h.")] == ["h.0", "h.1", "h.2"]
    assert [p for p in t.calls if p.startswith("g.")] == ["g.fc1", "g.fc2"]
    assert [t.calls[p].type for p in t.calls if p.startswith("k.")] == ["ReLU", "Linear", "Linear", "Linear"]
    assert [p for p in t.calls if p.startswith("m.")] == ["m.0", "m.1"]


def test_an_item_may_take_more_than_the_running_value(of):
    t = of("""
        input: 8
        blocks:
          Dec(d)(x, memory):
            a: Linear(d, d)(x)
            b: Linear(6, d)(memory)
            c: a + b
        layers:
          memory: Linear(8, 6)
          dec: Sequential(Dec(8)(x if i == 0 else _, memory) for i in range(2))
    """)
    assert t.problems == []
    assert [str(tensor) for tensor in t.calls["dec.1"].inputs] == ["8", "6"]


def test_nested_mappings_and_lists_are_anonymous_blocks(steps):
    t = steps("""
        features:
          fc1: Linear(8, 4)
          act: ReLU()
        classifier:
          - Linear(4, 3)
          - Linear(3, 2)
    """, input="8")  # fmt: skip
    assert list(t.calls) == [
        "features", "features.fc1", "features.act", "classifier", "classifier.0", "classifier.1",
    ]  # fmt: skip
    names = [row.name for row in t.trace.parameters]
    assert names[0] == "features.fc1.weight"
    assert names[-1] == "classifier.1.bias"


def test_auto_reads_the_size_that_arrives(steps):
    t = steps("""
        a: Linear(auto, 4)
        b: Linear(in_features=auto, out_features=2)
    """, input="7")  # fmt: skip
    assert t.trace.totals.parameters == 7 * 4 + 4 + 4 * 2 + 2


def test_numbers_are_local_constants(steps):
    t = steps("""
        t: 2
        hid: x.shape[1] * t
        half: max(hid // 4, 1)
        a: Linear(auto, hid)
        b: Linear(auto, half)
    """, input="8")  # fmt: skip
    assert list(t.calls) == ["a", "b"]
    assert t["b"] == "4"


def test_conditions_are_decided_when_the_model_is_read(of):
    text = """
        input: 8
        hparams: {wide: 3, names: [relu, gelu]}
        layers:
          a: Linear(8, 8) if wide > 2 else Identity()
          b: Linear(8, 8) if wide > 2 and not wide == 3 or 'x' in names else Identity()
          c: Linear(8, 2 if 1 < wide <= 3 else 4)
    """
    t = of(text)
    assert [t.calls[p].type for p in "abc"] == ["Linear", "Identity", "Linear"]
    assert t["c"] == "2"
    assert of(text, overrides={"wide": 1}).calls["a"].type == "Identity"


def test_blocks_bind_hyperparameters_inputs_and_sizes(of):
    t = of("""
        input: [N, S, 8]
        hparams: {heads: 2}
        blocks:
          Attn(d, heads=heads, hidden=2 * d)(q[N, T, d], memory=None):
            up: Linear(d, hidden)
            split: up.view(N, T, heads, hidden // heads)
            out: split.flatten(2)
        layers:
          one: Attn(8)
          two: Attn(16, heads=4, hidden=4)(one, memory=x)
    """)
    assert t.problems == []
    assert t["one"] == "S x 16"
    assert t["two.split"] == "S x 4 x 1"
    assert t["two"] == "S x 4"


def test_a_blocks_pattern_is_an_assertion(of):
    t = of("""
        input: [N, S, 8]
        blocks:
          B(d)(q[N, T, d]):
            a: Linear(d, d)
        layers:
          one: B(7)
    """)
    assert t.problems == [("unexpected-shape", 6, "B(7)")]


def test_a_block_called_twice_shares_its_weights(of):
    t = of("""
        input: {a: 8, b: 8}
        blocks:
          Enc(d):
            fc: Linear(8, d)
            act: relu()
        layers:
          enc: Enc(4)(a)
          other: enc(b)
          both: enc + other
    """)
    assert t.trace.totals.parameters == 36
    assert [c.path for c in t.trace.calls] == ["enc", "enc.fc", "enc.act", "other", "enc.fc", "enc.act", "both"]


def test_parameters_and_buffers_of_a_bodys_own(steps):
    t = steps("""
        cls: Parameter(1, 8)
        pe: Buffer(zeros(5))
        a: x + cls
        b: pe
    """, input="8")  # fmt: skip
    assert t["a"] == "8"
    assert (t.trace.totals.parameters, t.trace.totals.buffers) == (8, 5)
    assert [row.name for row in t.trace.parameters] == ["cls", "pe"]


def test_several_values(steps):
    t = steps("""
        lstm: LSTM(8, 4)
        out: (lstm[0], lstm[1][0][-1])
        fc: Linear(4, 2)(out[1])
    """, input="[T, 8]")  # fmt: skip
    assert t["fc"] == "[2]"


def test_assertions(steps):
    good = steps("a: Linear(8, 4) -> 4", input="8")
    assert good.problems == []
    assert steps("a: Linear(8, 4) -> [N, 4]", input="8").problems == []
    assert steps("a: Linear(8, 4) -> [_, 4]", input="8").problems == []
    assert steps("a: Linear(8, 4) -> [..., 4]", input="3x8").problems == []
    assert steps("a: Linear(8, 4) -> 5", input="8").problems == [("unexpected-shape", 3, "5")]


def test_the_mapping_form_of_a_step(steps):
    t = steps("""
        a: {type: Conv2d, in_channels: 1, out_channels: 6, kernel_size: 5, shape: [N, 6, 28, 28]}
        b: {type: Conv2d, in_channels: 1, out_channels: 6, kernel_size: [3, 3], padding: same, from: x}
    """)
    assert [(kind, line) for kind, line, _ in t.problems] == [("unused-step", 3)]
    assert t["b"] == "6x32x32"


def test_output_names_steps(of):
    text = """
        input: 8
        layers:
          a: Linear(8, 4)
          b: Linear(4, 2)
        output: {mid: a, out: b}
    """
    assert {k: str(v) for k, v in of(text).trace.output.items()} == {"mid": "4", "out": "2"}


def test_hparams_dims_and_variants(of):
    text = """
        input: 3xHxW
        dims: {H: 8, W: 8}
        hparams: {c: 4}
        variants: {big: {c: 16}, small: {c: 2, H: 4}}
        layers:
          a: Conv2d(3, c, 3)
    """
    assert of(text)["a"] == "4x6x6"
    assert of(text, variant="big")["a"] == "16x6x6"
    assert of(text, variant="small")["a"] == "2x2x6"
    assert of(text, overrides={"c": 5, "W": 10})["a"] == "5x6x8"
    assert of(text, symbolic=True)["a"] == "4 x (H - 2) x (W - 2)"
    assert of(text, input="3x5x5")["a"] == "4x3x3"
    with pytest.raises(SpecError, match="no variant bug"):
        of(text, variant="bug")
    with pytest.raises(SpecError, match="no hparam or size d"):
        of(text, overrides={"d": 5})
    assert of(text, overrides={"N": 5})["a"] == "[5, 4, 6, 6]"


def test_symbolic_sizes_stay_symbols_all_the_way(steps):
    t = steps("""
        conv1: Conv2d(1, 6, 5)
        pool1: MaxPool2d(2)
        conv2: Conv2d(6, 16, 3)
    """, input="1xHxW")  # fmt: skip
    assert t["conv1"] == "6 x (H - 4) x (W - 4)"
    assert t["conv2"] == "16 x (H//2 - 4) x (W//2 - 4)"


def test_ties_and_freezing(of):
    t = of("""
        input: int64[N, T]
        layers:
          embed: Embedding(10, 4)
          fc: Linear(4, 4)
          head: Linear(4, 10, bias=False)
        tie: {head.weight: embed.weight}
        freeze: [fc.*]
    """)
    assert t.problems == []
    assert (t.trace.totals.parameters, t.trace.totals.trainable) == (60, 40)


def test_expectations(of):
    text = """
        input: 8
        layers:
          a: Linear(8, 4)
        expect: {parameters: 36, macs: <= 32, output: 4}
    """
    assert of(text).problems == []
    assert of(text.replace("36", "35")).problems[0][0] == "over-budget"
    assert of(text.replace("<= 32", "< 32")).problems[0][0] == "over-budget"
    assert of(text.replace("output: 4", "output: 5")).problems[0][0] == "unexpected-shape"


def test_a_layer_as_printed_by_torch(steps):
    assert steps("a: Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))")["a"] == "6x28x28"


def test_prefixes_of_torch(steps):
    t = steps("""
        a: nn.Conv2d(1, 6, 5)
        b: F.relu(a)
        c: torch.flatten(b, 1)
        d: torch.nn.Linear(auto, 3, dtype=torch.float32)
    """)
    assert t.problems == []
    assert t["d"] == "3"
