"""Requirements that others imply are left out; those that remain hold at exactly the sizes at which a model works."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnshape
from nnshape.shapes.dims import Size, maximum, minimum, substitute, symbol
from nnshape.shapes.dims.simplifying import settled
from nnshape.shapes.dims.solutions import Solutions
from nnshape.shapes.dims.solving import solve
from nnshape.tracing.requirements import needs_of, solve_requirements


def grid(pool: int, rows: int, cols: int) -> str:
    """The positions of DETR: learned rows and columns, of which an image takes as many as it has."""
    return f"""
        input: "[N, 4, H, W]"
        layers:
          r: Parameter({rows}, 2)
          c: Parameter({cols}, 2)
          map: AvgPool2d({pool})
          h: map.shape[2]
          w: map.shape[3]
          rows: r[:h].unsqueeze(1).expand(-1, w, -1)
          cols: c[:w].unsqueeze(0).expand(h, -1, -1)
          pos: cat([rows, cols], -1).flatten(0, 1)
          sum: map.flatten(2).transpose(1, 2) + pos
    """


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((8, 50, 50), ["8 <= H, W <= 407"]), ((1, 2, 3), ["H: 1 or 2", "W: 1, 2 or 3"])],
)
def test_a_min_that_other_requirements_decide_is_not_shown(
    arguments: tuple[int, int, int], expected: list[str]
) -> None:
    trace = nnshape.trace(nnshape.loads(grid(*arguments)))
    assert trace.errors == ()
    assert any("min(" in str(requirement) for requirement in trace.requirements)
    assert [need.text for need in needs_of(trace.requirements)] == expected


@settings(max_examples=8)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_a_grid_works_where_its_requirements_say(pool: int, rows: int, cols: int) -> None:
    spec = nnshape.loads(grid(pool, rows, cols))
    trace = nnshape.trace(spec)
    assert trace.errors == ()
    solved = solve_requirements(trace.requirements)
    for h, w in product(range(1, 12), repeat=2):
        sizes = {"H": h, "W": w}
        works = not nnshape.trace(spec, overrides=dict(sizes)).errors
        said = all(sizes[name] in found for name, found in solved.sets.items())
        said = said and all(each.constraint.holds(sizes) for each in solved.others)
        assert said == works, sizes


H, W = symbol("H"), symbol("W")
SIDES = st.sampled_from([1, 3, 7, 12, H, W, H // 2, (W - 1) // 3, H + W, 2 * H - W, H * W, H - 4])


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    smallest = draw(st.sampled_from([minimum, maximum]))
    inner = smallest(draw(SIDES), draw(SIDES))
    outer = draw(st.sampled_from([minimum, maximum]))
    return draw(SIDES) * outer(inner, draw(SIDES), draw(SIDES)) + draw(SIDES)


def known(draw: st.DataObject, name: str) -> Solutions:
    """The values up to, from or between numbers, of one remainder or all."""
    own = symbol(name)
    found = solve(own, ">=", draw.draw(st.integers(1, 6)), name)
    assert found is not None
    for left, relation, right in draw.draw(
        st.lists(st.sampled_from([(20, ">=", own), (9, ">=", own), (own, "%", 2), (own + 1, "%", 3)]), max_size=3)
    ):
        more = solve(left, relation, right, name)
        assert more is not None
        found &= more
    return found


@given(sizes(), st.data())
def test_a_settled_size_is_the_same_for_all_known_values(size: Size, data: st.DataObject) -> None:
    sets = {"H": known(data, "H"), "W": known(data, "W")}
    if any(found.is_empty for found in sets.values()):
        return
    shorter = settled(size, sets)
    assert len(str(shorter)) <= len(str(size))
    for h, w in product(range(1, 25), repeat=2):
        if h in sets["H"] and w in sets["W"]:
            assert substitute(shorter, {"H": h, "W": w}) == substitute(size, {"H": h, "W": w})


@pytest.mark.parametrize(("most", "expected"), [(407, H // 8), (408, minimum(H // 8, 50))])
def test_a_bound_settles_a_size_up_to_that_bound(most: int, expected: Size) -> None:
    found = solve(most, ">=", H, "H")
    assert found is not None
    assert settled(minimum(H // 8, 50), {"H": found}) == expected
