"""Requirements are exact: no listed size fails, and no size that works is missing."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnshape
from nnshape.tracing import Requirement, Trace
from nnshape.tracing.requirements import SolvedRequirements, needs_of, solve_requirements

CONFIGS = Path(__file__).parents[2] / "configs"


def texts(trace: Trace) -> list[str]:
    return [need.text for need in needs_of(trace.requirements)]


def allows(solved: SolvedRequirements, sizes: dict[str, int]) -> bool:
    """Whether solved requirements are met by sizes."""
    return (
        all(sizes[name] == sizes[other] for name, other in solved.equal.items())
        and all(sizes[name] in found for name, found in solved.sets.items())
        and all(each.constraint.holds(sizes) for each in solved.others)
    )


#: The sizes at which each file of the gallery is traced, around the ends of what it needs.
GALLERY = {
    "albert": {"T": [1, 512, 513]},
    "bert": {"T": [1, 2, 511, 512, 513]},
    "detr": {"H": [1, 32, 1600, 1601, 1632, 1633], "W": [1, 33, 1600, 1601]},
    "gpt2": {"T": [1, 7, 1023, 1024, 1025]},
    "listener": {"T": [1, 7, 8, 9, 15, 16]},
    "raft": {"H": [8, 56, 57, 58, 64], "W": [56, 57, 128]},
    "stable_diffusion_unet": {"H": [1, 4, 8, 12, 16], "W": [8, 24]},
    "textcnn": {"T": [1, 4, 5, 6]},
    "transformer": {"S": [1, 511, 512, 513], "T": [1, 512, 513]},
    "unet": {"H": [1, 2, 8, 15, 16, 17, 24, 32, 40, 48, 64], "W": [16, 24, 32]},
    "vit": {"H": [15, 16, 208, 223, 224, 225, 239, 240, 256], "W": [16, 196, 224, 240, 3136]},
    "wav2vec2": {"samples": [399, 720, 16000], "frames": [2, 49]},
    "whisper": {"T": [1, 447, 448, 449]},
}


@pytest.mark.parametrize("name", [path.stem for path in sorted(CONFIGS.glob("*.yaml"))])
def test_the_gallery_works_where_its_requirements_say(name: str) -> None:
    spec = nnshape.load(CONFIGS / f"{name}.yaml")
    trace = nnshape.trace(spec, symbolic=True)
    assert bool(trace.requirements) == (name in GALLERY)
    if name in GALLERY:
        solved = solve_requirements(trace.requirements)
        tried = GALLERY[name]
        for values in product(*tried.values()):
            sizes = dict(zip(tried, values, strict=True))
            after = nnshape.trace(spec, overrides=dict(sizes))
            # What the file expects of its output at its own sizes is no requirement.
            errors = [problem for problem in after.errors if problem.kind != "unexpected-shape"]
            assert allows(solved, sizes) == (not errors), sizes


# No sums of maps: a size of 1 is broadcast to any other, which the requirements leave out.
STEPS = st.sampled_from([
    "Conv1d(4, 4, 3)", "Conv1d(4, 4, 3, padding=1)", "Conv1d(4, 4, 3, 2, 1)", "Conv1d(4, 4, 5, 3)", "MaxPool1d(2)",
    "AvgPool1d(3, 2)", "ConvTranspose1d(4, 4, 2, 2)", "ConvTranspose1d(4, 4, 3, 2)", "Upsample(scale_factor=2)",
    "unflatten(2, (2, -1)).flatten(2)", "unflatten(2, (-1, 3)).flatten(2)", "view(N, 4, -1, 2).flatten(2)",
    "cat([_, x], 1)[:, :4]", "cat([_, keep], 1)[:, :4]", "cat([_, x], 2)", "cat([_, keep], 2)", "_[:, :, 2:]",
    "ConstantPad1d(1, 0.0)", "ReflectionPad1d(2)", "_ + Embedding(20, 4)(arange(_.shape[2])).t()", "_[:, :, ::2]",
    "cat([_, zeros(1, 4, 12).expand(N, 4, 12)], 1)[:, :4]", "_.reshape(N, 2, -1).view(N, 4, -1)",
])  # fmt: skip


TRIED = range(1, 32)


def chain(steps: list[str]) -> str:
    lines = [f"  s{index}: {text}" for index, text in enumerate(steps)]
    middle = len(lines) // 2
    return "\n".join(['input: "[N, 4, T]"', "layers:", *lines[:middle], "  keep: _ * 1", *lines[middle:]])


@settings(max_examples=40)
@given(st.lists(STEPS, min_size=1, max_size=7))
def test_a_chain_works_where_its_requirements_say(steps: list[str]) -> None:
    steps = [text if index >= len(steps) // 2 else text.replace("keep", "x") for index, text in enumerate(steps)]
    spec = nnshape.loads(chain(steps))
    trace = nnshape.trace(spec)
    works = [size for size in TRIED if not nnshape.trace(spec, overrides={"T": size}).errors]
    if trace.errors:
        assert works == []
        return
    solved = solve_requirements(trace.requirements)
    assert [size for size in TRIED if allows(solved, {"T": size})] == works
    (found,) = solved.sets.values() if solved.sets else (None,)
    assert found is None or [size for size in TRIED if size in found] == works


def test_unet_needs_multiples_of_16() -> None:
    trace = nnshape.trace(CONFIGS / "unet.yaml", symbolic=True)
    assert texts(trace) == ["H, W: multiples of 16"]
    assert "733888*H*W" in nnshape.render(trace)
    assert "2*(H" not in nnshape.render(trace)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('input: {x: "[N, S, 4]", y: "[N, T, 4]"}\nlayers:\n  a: x + y', ["S == T"]),
        (
            'input: {x: "[N, S, 4]", y: "[N, T, 4]"}\nlayers:\n  a: x + y\n  b: Embedding(9, 4)(arange(T))',
            ["S == T", "S <= 9"],
        ),
        (
            'input: "[N, 3, H, W]"\nlayers:\n  a: Conv2d(3, 4, 3)\n  b: view(N, 3600)',
            ["H, W >= 3", "(H - 2)*(W - 2) == 900"],
        ),
        ('input: "[N, T]"\nlayers:\n  a: _[:, :448] + x', ["T <= 448"]),
        ('input: "[N, T, 8]"\nlayers:\n  a: view(N, -1, 4, 8)\n  b: view(N, -1, 6, 8)', ["T: multiples of 12"]),
        ('input: "[N, T, 8]"\nlayers:\n  a: Linear(8, 2)', []),
    ],
)  # fmt: skip
def test_texts(text: str, expected: list[str]) -> None:
    trace = nnshape.trace(nnshape.loads(text))
    assert trace.errors == ()
    assert texts(trace) == expected


def test_contradicting_requirements_are_a_fault() -> None:
    text = (
        'input: {x: "[N, T, 4]", y: "[N, T, 4]"}\nlayers:\n'
        "  e: Embedding(16, 4)(arange(T))\n  s: x + e\n  t: y + zeros(1, 32, 4)\n"
    )
    (problem,) = nnshape.trace(nnshape.loads(text)).errors
    assert problem.kind == "size-mismatch"
    assert problem.message == "no T meets both: e needs T <= 16, but t needs T == 32"
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (5, 6)
    assert [label.text for label in problem.related] == ["needs T <= 16"]


def test_a_need_names_its_steps() -> None:
    trace = nnshape.trace(CONFIGS / "unet.yaml", symbolic=True)
    (need,) = needs_of(trace.requirements)
    assert need.steps == ("up4.joined", "up3.joined", "up2.joined", "up1.joined")
    assert all(isinstance(each, Requirement) for each in need.requirements)
