"""Variants with figures of their own, and variants that build on others."""

import json
from textwrap import dedent

import jsonschema
import pytest

import nnshape
from nnshape import build, loads, trace, verify
from nnshape.schema import schema_text

TEXT = """
input: 16
hparams: {width: 8, depth: 2}
expect: {parameters: 208, output: 8}
variants:
  deep: {from: small, depth: 3, expect: {parameters: 108}}
  small: {width: 4, expect: {parameters: 88, output: 4}}
  deeper: {from: deep, depth: 4, expect: {parameters: 128}}
layers:
  body: Sequential(Linear(auto, width) for i in range(depth))
"""


def problems(text, **options):
    return [(p.kind, p.span.line, p.span.text) for p in trace(loads(dedent(text)), **options).problems]


@pytest.mark.parametrize(("variant", "parameters"), [(None, 208), ("small", 88), ("deep", 108), ("deeper", 128)])
def test_each_variant_is_held_against_its_own_figures(variant, parameters):
    traced = trace(loads(TEXT), variant=variant)
    assert (traced.problems, traced.totals.parameters) == ((), parameters)
    assert verify(traced, "cpu").agree
    assert sum(p.numel() for p in build(traced).parameters()) == parameters


@pytest.mark.parametrize("variant", ["small", "deep", "deeper"])
def test_a_figure_that_no_longer_holds_is_told_where_it_is_written(variant):
    """A variant without a figure of its own has that of the variant below it, and then that of the file."""
    wrong = TEXT.replace("output: 4", "output: 5")
    assert problems(wrong, variant=variant) == [("unexpected-shape", 7, "5")]
    bare = TEXT.replace(", expect: {parameters: 88, output: 4}", "").replace("expect: {parameters: 128}", "expect: {}")
    wanted = {"small": ["208", "8"], "deep": ["108", "8"], "deeper": ["108", "8"]}[variant]
    assert sorted(text for _, _, text in problems(bare, variant=variant) if text != "108") == sorted(
        text for text in wanted if text != "108"
    )


def test_a_figure_replaces_the_one_of_the_file_only_under_the_same_key():
    text = TEXT.replace("output: 4", "macs: <= 10")
    assert problems(text, variant="small") == [("unexpected-shape", 4, "8"), ("over-budget", 7, "<= 10")]


@pytest.mark.parametrize(
    ("variants", "wanted"),
    [
        ("{a: {from: b}, b: {from: a}}", ("circular", "b")),
        ("{a: {from: a}}", ("circular", "a")),
        ("{a: {from: c}, b: {from: a}, c: {from: b}}", ("circular", "c")),
        ("{a: {from: d}, b: {w: 4}}", ("unknown-name", "d")),
        ("{a: {from: [b]}, b: {w: 4}}", ("wrong-type", "[b]")),
        ("{a: {expect: {params: 3}}}", ("unknown-key", "params")),
        ("{a: {expect: 3}}", ("wrong-type", "3")),
        ("{a: {expects: {macs: 3}}}", ("unknown-name", "expects")),
        ("{a: {form: b}, b: {w: 4}}", ("unknown-name", "form")),
    ],
)
def test_what_a_variant_cannot_hold(variants, wanted):
    text = f"input: 4\nhparams: {{w: 4}}\nvariants: {variants}\nlayers:\n  a: Linear(4, w)\n"
    assert [(kind, text) for kind, _, text in problems(text)] == [wanted]
    for variant in loads(text).variants:
        trace(loads(text), variant=variant)  # a variant whose base is refused has its own values


def test_a_circle_shows_each_variant_of_it():
    text = "input: 4\nvariants: {a: {from: b}, b: {from: a}}\nlayers: [ReLU()]\n"
    (problem,) = loads(text).problems
    assert [(label.span.text, label.text) for label in problem.related] == [("a", "b builds on a")]


@pytest.mark.parametrize("key", ["hparams", "dims"])
@pytest.mark.parametrize("name", ["expect", "from"])
def test_no_hparam_or_size_has_the_name_of_a_key_of_a_variant(key, name):
    text = f"input: 4\n{key}: {{{name}: 4}}\nlayers:\n  a: ReLU()\n"
    assert ("invalid-name", 2, name) in problems(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"input": 4, key: {name: 4}, "layers": {"a": "ReLU()"}}, json.loads(schema_text()))


def test_the_schema_knows_the_keys_of_a_variant():
    schema = json.loads(schema_text())
    model = {"input": 4, "hparams": {"w": 4}, "layers": {"a": "Linear(4, w)"}}
    jsonschema.validate(
        {**model, "variants": {"a": {"w": 5, "expect": {"parameters": 25}}, "b": {"from": "a"}}}, schema
    )
    for wrong in ({"from": ["a"]}, {"expect": {"params": 3}}, {"expect": 3}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**model, "variants": {"a": wrong}}, schema)


def test_a_chain_of_all_variants_that_a_file_may_have():
    chain = ", ".join(f"v{i}: {{from: v{i + 1}}}" for i in range(63))
    text = f"input: 4\nhparams: {{w: 1}}\nvariants: {{{chain}, v63: {{w: 9}}}}\nlayers:\n  a: Linear(4, w)\n"
    assert nnshape.trace(text, variant="v0").output.shape[1] == 9
    assert problems(text.replace("{w: 9}", "{from: v0}"))[0][0] == "circular"
