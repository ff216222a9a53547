"""Inputs that are lists and mappings of tensors, beside modules that take them in torch."""

import json

import pytest
import torch
from torch import nn

from nnshape import SpecError, build, loads, render, trace, verify

TEXT = """
input:
  images: [3xHxW, 3x16x16]
  boxes: {a: "[N, 4]", b: "[N, 2]"}
  words: {ids: ["int64[N, T]", "[N, T, 4]"], deep: {mask: "bool[N, T]"}}
blocks:
  Both()(pair):
    first: Conv2d(3, 8, 3)(pair[0]).mean((2, 3))
    second: first + Conv2d(3, 8, 3)(pair[1]).mean((2, 3))
layers:
  both: Both()(images)
  scale: sum(image.mean((1, 2, 3)) for image in images)
  embed: Embedding(10, 4)(words['ids'][0]) + words['ids'][1]
  masked: (embed * words['deep']['mask'].unsqueeze(-1)).sum(1)
  joined: cat([both, masked, boxes['a'], boxes['b'], scale.unsqueeze(1)], 1)
  fc: Linear(19, 5)
output: {y: fc, images: images}
"""


class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)
        self.second = nn.Conv2d(3, 8, 3)

    def forward(self, pair):
        return self.first(pair[0]).mean((2, 3)) + self.second(pair[1]).mean((2, 3))


class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.both = Both()
        self.embed = nn.Embedding(10, 4)
        self.fc = nn.Linear(19, 5)

    def forward(self, images, boxes, words):
        both = self.both(images)
        scale = sum(image.mean((1, 2, 3)) for image in images)
        embed = self.embed(words["ids"][0]) + words["ids"][1]
        masked = (embed * words["deep"]["mask"].unsqueeze(-1)).sum(1)
        return self.fc(torch.cat([both, masked, boxes["a"], boxes["b"], scale.unsqueeze(1)], 1))


def test_the_built_module_takes_lists_and_dicts():
    traced = trace(loads(TEXT))
    assert traced.problems == ()
    assert verify(traced).agree
    model, twin = build(traced).eval(), Twin().eval()
    assert list(model.state_dict()) == list(twin.state_dict())
    twin.load_state_dict(model.state_dict())
    for n, t, h in ((2, 3, 8), (3, 5, 9)):
        images = [torch.rand(n, 3, h, h + 1), torch.rand(n, 3, 16, 16)]
        boxes = {"a": torch.rand(n, 4), "b": torch.rand(n, 2)}
        ids, mask = torch.randint(10, (n, t)), torch.rand(n, t) > 0.5
        words = {"ids": [ids, torch.rand(n, t, 4)], "deep": {"mask": mask}}
        answer = model(images=images, boxes=boxes, words=words)
        assert torch.equal(answer["y"], twin(images, boxes, words))
        assert answer["images"] is images


NAMES = [
    "images[0]", "images[1]", "boxes['a']", "boxes['b']", "words['ids'][0]", "words['ids'][1]",
    "words['deep']['mask']",
]  # fmt: skip


def test_each_tensor_is_shown_under_the_name_that_a_step_writes():
    traced = trace(loads(TEXT))
    assert list(traced.inputs) == NAMES
    assert [entry["name"] for entry in json.loads(render(traced, format="json"))["inputs"]] == NAMES
    text = render(traced)
    assert "input words['ids'][0]:       int64 [N, T]" in text
    assert "needs H, W >= 3" in text


@pytest.mark.parametrize(
    "input",
    [
        ["images[0]=3x20x24"],
        ["3x20x24"],
        {"images[0]": "3x20x24", "boxes[a]": "[N, 4]"},
        {"images": ["3x20x24", "3x16x16"], "boxes": {"a": "[N, 4]"}},
    ],
)
def test_a_shape_that_is_given_sets_the_sizes(input):
    traced = trace(loads(TEXT), input=input)
    assert traced.sizes == {"H": 20, "W": 24}
    assert traced.inputs["images[0]"].shape[1:] == (3, 20, 24)
    assert traced.errors == ()


@pytest.mark.parametrize("input", [["images=3x4x4"], {"images": ["3x4x4"] * 3}, {"boxes": {"z": "4"}}])
def test_a_shape_for_no_tensor_is_refused(input):
    with pytest.raises(SpecError, match="has no input"):
        trace(loads(TEXT), input=input)


@pytest.mark.parametrize(
    ("input", "names"),
    [
        ("[N, 3, 32, 32]", ["x"]),
        ("[T]", ["x"]),
        ("[box, text]", ["x"]),
        ("['H//2', 'max(H, 3)']", ["x"]),
        ("[3x8x8, 4]", None),
        ("[3x8x8]", None),
        ("[3x8x8, 3 x H x W]", ["x[0]", "x[1]"]),
        ("[[N, 3]]", ["x[0]"]),
        ("['[N, 4]', 'int64[N]']", ["x[0]", "x[1]"]),
        ("[{p: 3x4}, [3x4, 5x6]]", ["x[0]['p']", "x[1][0]", "x[1][1]"]),
        ("{a: [N, 4]}", ["a"]),
        ("{a: [[N, 4], [N, 2]], b: 4}", ["a[0]", "a[1]", "b"]),
        ("{a: {}}", None),
        ("{a: {b: {shape: [3, 4], dtype: int64}}}", None),
        ("{a: {b: 3x}}", None),
    ],
)
def test_a_list_is_one_shape_unless_it_begins_with_a_shape(input, names):
    spec = loads(f"input: {input}\nlayers:\n  a1: zeros(3)\n")
    if names is None:
        (problem,) = spec.problems
        assert problem.severity == "error"
        assert problem.span.line == 1
    else:
        assert spec.problems == ()
        assert [item.name for item in spec.inputs] == names


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("Linear(4, 4)", "wrong-type"),
        ("pair[2]", "index-error"),
        ("pair[0] + named['q']", "index-error"),
        ("named.p", "wrong-type"),
        ("pair[0] @ pair[1]", "size-mismatch"),
    ],
)
def test_a_wrong_use_is_told_at_its_step(step, kind):
    text = f"input: {{pair: [4x4, 3x3], named: {{p: 4}}}}\nlayers:\n  a: {step}\n"
    (problem,) = trace(loads(text)).errors
    assert (problem.kind, problem.span.line) == (kind, 3)


INNER = """
input: {pair: [3xHxW, 3x8x8], named: {p: "[N, 4]"}}
layers:
  conv: Conv2d(3, 4, 3)(pair[0]).mean((2, 3)) + named['p'] * H
  o: conv + pair[1].mean((1, 2, 3)).unsqueeze(1)
"""


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        ("n()([x, y], dict(p=z))", []),
        ("n()(list, m)", []),
        ("n()([x], dict(p=z))", ["unexpected-shape"]),
        ("n()([x, x], dict(p=z))", ["unexpected-shape"]),
        ("n()([x, y], dict(q=z))", ["unexpected-shape"]),
        ("n()(x, z)", ["unexpected-shape"]),
    ],
)
def test_an_included_model_takes_lists_and_mappings(call, kinds, tmp_path):
    (tmp_path / "inner.yaml").write_text(INNER)
    head = "include: {n: inner.yaml}\ninput: {x: 3x9x9, y: 3x8x8, z: 4, list: [3x9x9, 3x8x8], m: {p: 4}}\n"
    traced = trace(loads(f"{head}layers:\n  o: {call}\n", folder=tmp_path))
    assert [problem.kind for problem in traced.errors] == kinds
    if not kinds:
        assert verify(traced).agree
        assert traced.output.shape[1:] == (4,)


def test_an_included_model_that_nothing_calls_counts(tmp_path):
    (tmp_path / "inner.yaml").write_text(INNER)
    text = "include: {n: inner.yaml}\ninput: 4\nlayers:\n  l: ModuleList(n())\n  o: x + 1\n"
    traced = trace(loads(text, folder=tmp_path))
    assert [problem.message for problem in traced.errors] == []
    assert traced.totals.parameters == 112
