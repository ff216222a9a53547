"""A whole model that another file includes is that model: its ties, freezes, output and figures go with it."""

import copy

import pytest
import torch

import nnshape

LM = """
name: LM
input: int64[N, T]
hparams: {vocab: 10, width: 4}
variants: {wide: {width: 6, expect: {parameters: 72, trainable: 60}}}
layers:
  embed: Embedding(vocab, width)
  norm: LayerNorm(width)
  head: Linear(width, vocab, bias=False)
  probabilities: head.softmax(-1)
output: [head, probabilities]
tie: {head.weight: embed.weight}
freeze: [norm.*]
expect: {parameters: 48, trainable: 40, output: ["[N, T, vocab]", "[N, T, vocab]"]}
"""


@pytest.fixture
def include(tmp_path):
    """Trace a model of some steps that includes a file as `part`."""

    def traced(part: str, layers: str, input: str = "int64[N, 5]", rest: str = "", **others: str):
        for name, text in {"part": part, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        (tmp_path / "m.yaml").write_text(f"input: {input}\ninclude: {{part: part.yaml}}\nlayers:\n{layers}\n{rest}\n")
        return nnshape.trace(tmp_path / "m.yaml")

    return traced


def found(trace: nnshape.Trace) -> list[tuple[str, str, str]]:
    return [(p.kind, p.span.source.name.rpartition("/")[2], p.span.text) for p in trace.problems]


def test_its_parameters_are_tied_and_frozen_and_its_output_is_its_value(include):
    trace = include(LM, "  a: part()")
    alone = nnshape.trace(nnshape.loads(LM))
    assert trace.problems == alone.problems == ()
    assert [str(tensor) for tensor in trace.output] == ["5x10", "5x10"]
    assert (trace.totals.parameters, trace.totals.trainable) == (48, 40)
    assert nnshape.verify(trace).agree
    model, own = nnshape.build(trace), nnshape.build(alone)
    assert list(model.state_dict()) == [f"a.{name}" for name in own.state_dict()]
    assert model.a.head.weight is model.a.embed.weight
    assert [p.requires_grad for p in model.parameters()] == [p.requires_grad for p in own.parameters()]
    own.load_state_dict({name[2:]: value for name, value in model.state_dict().items()})
    words = torch.randint(10, (3, 5))
    for one in (model, copy.deepcopy(model)):
        for ours, theirs in zip(one(words), own(words), strict=True):
            assert torch.equal(ours, theirs)


def test_each_application_is_a_model_of_its_own(include):
    trace = include(LM, "  a: part()\n  b: part(variant='wide')(x)\n  c: b[0] + a[0]")
    assert trace.problems == ()
    model = nnshape.build(trace)
    assert model.a.head.weight is model.a.embed.weight
    assert model.b.head.weight is model.b.embed.weight is not model.a.embed.weight
    assert trace.totals.parameters == 48 + 72
    assert nnshape.verify(trace).agree


def test_a_model_in_a_model_in_a_list_and_applied_again(include):
    outer = """
input: int64[N, T]
include: {lm: lm.yaml}
layers:
  lms: ModuleList(lm() for i in range(2))
  one: lms[0](x)
  two: lms[1](x)
  again: lms[0](x)
output: {one: "one[0]", two: "two[0] + again[1]"}
tie: {lms.1.embed.weight: lms.0.head.weight}
freeze: [lms.0.embed.weight]
expect: {parameters: 56, trainable: 0, output: {one: "[N, T, 10]", two: "[N, T, 10]"}}
"""
    trace = include(outer, "  a: part()\n  b: a['one'] + a['two']", lm=LM)
    assert trace.problems == ()
    model = nnshape.build(trace)
    tied = [model.a.lms[i].get_parameter(f"{name}.weight") for i in range(2) for name in ("embed", "head")]
    assert len(set(tied)) == 1
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert trace.totals.parameters == 56
    assert nnshape.verify(trace).agree


def test_the_including_file_may_tie_and_freeze_further(include):
    trace = include(
        LM, "  a: part()\n  b: Linear(10, 4, bias=False)(a[1])", rest="freeze: [a]\ntie: {a.head.weight: b.w}"
    )
    assert found(trace) == [("unknown-name", "m.yaml", "b.w")]
    rest = "freeze: [a]\ntie: {a.norm.weight: a.norm.bias}"
    trace = include(LM, "  a: part()\n  b: a[1] + a[0]", rest=rest)
    assert trace.problems == ()
    assert (trace.totals.parameters, trace.totals.trainable) == (44, 0)
    assert nnshape.verify(trace).agree


@pytest.mark.parametrize(
    ("change", "to", "wrong"),
    [
        ("parameters: 48", "parameters: 88", [("over-budget", "part.yaml", "88")]),
        ("trainable: 40", "trainable: <= 39", [("over-budget", "part.yaml", "<= 39")]),
        ('["[N, T, vocab]"', '["[N, T, 9]"', [("unexpected-shape", "part.yaml", "[N, T, 9]")]),
        ("head.weight: embed", "head.weight: emb", [("unknown-name", "part.yaml", "emb.weight")]),
        ("head.weight: embed", "head.weight: norm", [("size-mismatch", "part.yaml", "head.weight")]),
        ("freeze: [norm.*]", "freeze: [nor]", [("unknown-name", "part.yaml", "nor")]),
        ("[head, prob", "[heat, prob", [("unknown-name", "part.yaml", "heat")]),
    ],
)
def test_what_its_file_says_wrongly_is_told_at_the_line_of_that_file_and_once(include, change, to, wrong):
    assert change in LM
    trace = include(LM.replace(change, to), "  a: part()\n  b: part()(x)\n  c: a[0] + b[1] + a[1] + b[0]")
    problems = [one for one in found(trace) if one != ("unused-step", "part.yaml", "LayerNorm(width)")]
    assert problems[:1] == wrong
    assert len(problems) == 1
    if wrong[0][0] != "unknown-name" or "heat" in to:
        assert [frame.text for frame in trace.problems[0].frames] in (["a"], [])


SIZED = """
input: 3xHxW
dims: {H: 8, W: 8}
hparams: {n: 2}
layers:
  conv: Conv2d(3, n, 3)
expect: {parameters: 56, macs: 1944, output: 2x6x6}
"""


@pytest.mark.parametrize(
    ("call", "input", "wrong"),
    [
        ("part()", "3x8x8", []),
        ("part()", "[7, 3, 8, 8]", []),
        ("part()", "3x9x8", []),  # other sizes than those of the figures
        ("part(n=2)", "3x8x8", []),
        ("part(n=3)", "3x8x8", []),  # another model than that of the figures
    ],
)
def test_the_figures_of_a_file_hold_for_its_own_hparams_and_sizes(include, call, input, wrong):
    assert found(include(SIZED, f"  a: {call}", input=input)) == wrong


def test_figures_that_are_wrong_at_the_sizes_of_the_file(include):
    for figure in ("macs: 1943", "output: 2x6x5", "parameters: 55"):
        quantity = figure.split(":")[0]
        text = "\n".join(line for line in SIZED.splitlines() if "expect" not in line) + f"\nexpect: {{{figure}}}\n"
        kind = "unexpected-shape" if quantity == "output" else "over-budget"
        assert [one[0] for one in found(include(text, "  a: part()", input="3x8x8"))] == [kind]
        assert [one[0] for one in found(include(text, "  a: part(n=3)", input="3x8x8"))] == []
        sized = [] if quantity != "parameters" else [kind]
        assert [one[0] for one in found(include(text, "  a: part()", input="3x9x8"))] == sized
