"""The requirements of a trace are solved once, whoever asks for them."""

import pytest

import nnshape
from nnshape.tracing import requirements
from nnshape.tracing.requirements import known_sizes, needs_of

TEXT = "input: 3xHxW\nlayers:\n  a: PixelUnshuffle({factor})\n  b: Conv2d(3 * {factor} ** 2, 4, 3)\n"


@pytest.fixture
def solved(monkeypatch):
    counted = []
    solve = requirements.solve_requirements
    monkeypatch.setattr(requirements, "solve_requirements", lambda given: counted.append(given) or solve(given))
    requirements._solved.cache_clear()
    return counted


def test_a_symbolic_trace_solves_once(solved):
    trace = nnshape.trace(nnshape.loads(TEXT.format(factor=4)))
    rendered = [nnshape.render(trace, format=name) for name in ("table", "json", "markdown")]
    assert all("multiples of 4" in text for text in rendered)
    assert [need.text for need in needs_of(trace.requirements)] == ["H, W: multiples of 4, at least 12"]
    assert set(known_sizes(trace.requirements)) == {"H", "W"}
    assert len(solved) == 1


def test_another_trace_is_solved_anew(solved):
    for factor in (2, 3):
        nnshape.trace(nnshape.loads(TEXT.format(factor=factor)))
    assert len(solved) == 2


def test_a_trace_without_requirements_solves_nothing(solved):
    nnshape.render(nnshape.trace(nnshape.loads("input: 3x8x8\nlayers:\n  a: Conv2d(3, 4, 3)\n")))
    assert solved == []


def test_what_takes_too_long_is_listed_each_time(monkeypatch):
    requirements._solved.cache_clear()
    monkeypatch.setattr(requirements, "_WORK", 10)
    trace = nnshape.trace(nnshape.loads(TEXT.format(factor=4)))
    listed = [[need.text for need in needs_of(trace.requirements)] for _ in range(2)]
    assert listed[0] == listed[1]
    assert len(listed[0]) > 1
    assert known_sizes(trace.requirements) == {}
    requirements._solved.cache_clear()
