"""The gallery, each time with one thing changed: verdict and shapes are torch's own, and fixes run.

`NNSHAPE_MUTATIONS` says how many changes each file gets. `python tests/fixes/figures.py 1000` does the same
with other changes, and counts.
"""

from __future__ import annotations

import os

import judging
import pytest
from eager_refusals import Refused
from figures import changed, texts
from gallery import CONFIGS, OTHERS, SMALL, text_of
from judging import judged
from mutating import CHANGES, Mutation, mutated

MUTATIONS = int(os.environ.get("NNSHAPE_MUTATIONS", "4"))
TEXTS = texts()


def test_each_small_model_is_a_file_of_the_gallery():
    assert set(SMALL) <= {path.stem for path in CONFIGS.glob("*.yaml")}


@pytest.mark.parametrize("name", TEXTS)
def test_the_file_itself_runs_to_the_same_shapes(name):
    text = TEXTS[name]
    judgement = judged(text, Mutation(text, "none", ()))
    assert (judgement.verdict, judgement.wrong) == ("runs", "")


@pytest.mark.parametrize("name", TEXTS)
def test_the_verdict_is_that_of_the_real_modules_and_every_fix_makes_them_run(name, chance):
    source = chance(name)
    original = TEXTS[name]
    for _ in range(MUTATIONS):
        mutation = mutated(original, source)
        judgement = judged(original, mutation)
        assert judgement.wrong == "", f"{changed(original, mutation)}\n{judgement.wrong}"


def test_every_kind_of_change_is_made(chance):
    source = chance("kinds")
    texts = [text_of(name) for name in ("resnet", "vit", "bert")]
    kinds = {mutated(text, source).kind for text in texts for _ in range(300)}
    assert {change.__name__ for change, _ in CHANGES} <= kinds


@pytest.mark.parametrize(
    ("step", "other", "seen"),
    [
        ("view(2, N // 2, 8).flatten(0, 1)", "view(N, 8)", "torch runs with a batch of 3"),
        ("view(N, 8)", "view(2, N // 2, 8).flatten(0, 1)", "with a batch of 3 in gradients: nnshape: fine"),
        ("BatchNorm1d(8)", "GroupNorm(2, 8)", "torch runs in training, nnshape warns"),
        ("GroupNorm(2, 8)", "BatchNorm1d(8)", "with a batch of 1 in training: nnshape: fine"),
        ("Linear(8, 4)", "Linear(8, N)", "a: nnshape: float32[2, 4], torch: torch.float32[2, 2]"),
    ],
)
def test_conditions_on_the_batch_and_warnings_of_training_are_held_against_torch(step, other, seen, monkeypatch):
    text, run = (f"input: 8\nlayers:\n  a: {each}\n" for each in (step, other))
    assert judged(text, Mutation(text, "none", ())).wrong == ""
    execute = judging.execute
    monkeypatch.setattr(judging, "execute", lambda spec, *others: execute(judging.traced(run).spec, *others))
    assert seen in judged(text, Mutation(text, "none", ())).wrong


def test_a_verdict_that_is_not_torchs_is_seen(monkeypatch):
    text = text_of("lenet")
    other = text.replace("Linear(576", "Linear(400")
    assert judged(text, Mutation(other, "number", (11,))).wrong == ""

    def refuses(*arguments: object) -> None:
        raise Refused(RuntimeError("no"), [(1, 1)])

    with monkeypatch.context() as patch:
        patch.setattr(judging, "execute", refuses)
        wrong = judged(text, Mutation(text, "none", ())).wrong
        assert "a batch of 2 in inference: nnshape: fine\ntorch: RuntimeError: no" in wrong
    execute = judging.execute
    with monkeypatch.context() as patch:
        patch.setattr(judging, "execute", lambda spec, *others: execute(judging.traced(text).spec, *others))
        assert "torch: runs" in judged(text, Mutation(other, "number", (11,))).wrong


#: Changes at which nnshape and torch once disagreed, or the search for fixes broke: the file, and what replaces what.
FOUND = {
    "a sequence that is a tuple with a tensor": (
        "resnet", "Stage(64, depths[0], 1)", "Sequential(Stage(64, depths[0], 1), transpose(1, 2))"),
    "a layer's class that nothing applies": ("lenet", "  relu1: ReLU()", "  relu1: ReLU"),
    "a Sequential that nothing makes": (
        "gpt2", "h: Sequential(Block(width, heads) for i in range(depth))", "h: Sequential"),
    "arange without an end": ("transformer", "(arange(S))", "(arange())"),
    "a Parameter of whole numbers": ("vit", "Parameter(zeros(1, 1, width))", "Parameter(arange(1, 1, width))"),
    "a Parameter of nothing": ("vit", "Parameter(zeros(1, 1, width))", "Parameter()"),
    "a size of no input": ("gpt2", "int64[N, T]", "int64[N]"),
    "the batch where no input has one": ("lstm_tagger", "Embedding(vocab", "Embedding(N"),
    "a root with an argument that it has not": ("transformer", "embed * sqrt(width)", "embed * sqrt(width, dim=1)"),
    "a reshape to no width": ("gpt2", "Block(width, heads) for", "Block(heads, width) for"),
    "Identity of several values": ("lstm_tagger", "  hidden2tag: Linear", "  same: Identity()\n  hidden2tag: Linear"),
    "an index into a dtype": ("vit", "expand(N, -1", "expand(x.dtype[0], -1"),
    "a dtype's method with an argument": ("tiny_model", "Softmax(1)", "double(1)"),
    "a name made of a tensor": (
        "densenet", "    norm5", "    t: Sequential((f'{conv0}', ReLU()) for i in range(1))\n    norm5"),
    "a number of features in a tuple": ("densenet", "norm0: BatchNorm2d(stem)", "norm0: BatchNorm2d((stem,))"),
    "channels that are the batch": ("mobilenet_v2", "input: 3x32x32", "input: \"[3, N, 32, 32]\""),
    "a number that is made of a loop": ("gpt2", "h: Sequential(Block", "h: int(Block"),
    "bool as a method": ("lenet", "  relu4: ReLU()", "  relu4: bool()"),
}  # fmt: skip


@pytest.mark.parametrize("found", FOUND)
def test_what_was_found_stays_mended(found):
    name, before, after = FOUND[found]
    original = text_of(name)
    assert original.count(before) == 1
    line = original[: original.index(before)].count("\n") + 1
    assert judged(original, Mutation(original.replace(before, after), "found", (line,))).wrong == ""


def test_the_second_names_are_of_files_that_are_there():
    assert {file for file, _ in OTHERS.values()} <= set(SMALL)
