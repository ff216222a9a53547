"""Sizes: every symbolic answer is held against plain integers."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnshape.shapes.dims import (
    Dim,
    Size,
    TooLarge,
    at_least,
    bounds,
    ceil_div,
    divisible,
    equal,
    maximum,
    minimum,
    shape_part,
    substitute,
    symbol,
    symbols_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

H, W, N, T, D = map(symbol, ("H", "W", "N", "T", "D"))
NAMES = ("H", "W", "N")
OPERATIONS: dict[str, tuple[Callable[..., Size], Callable[..., int]]] = {
    "+": (lambda a, b: a + b, lambda a, b: a + b),
    "-": (lambda a, b: a - b, lambda a, b: a - b),
    "*": (lambda a, b: a * b, lambda a, b: a * b),
    "//": (lambda a, b: a // b, lambda a, b: a // b),
    "%": (lambda a, b: a % b, lambda a, b: a % b),
    "ceil": (ceil_div, lambda a, b: -(-a // b)),
    "min": (minimum, min),
    "max": (maximum, max),
}

Tree = int | str | tuple["str", "Tree", "Tree"]
numbers = st.integers(-7, 12)
leaves = st.sampled_from(NAMES) | numbers
trees: st.SearchStrategy[Tree] = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner)
        | st.tuples(st.sampled_from(("//", "%", "ceil")), inner, numbers)
        | st.tuples(st.sampled_from(("//", "+")), inner, st.integers(1, 6))
    ),
    max_leaves=9,
)
values = st.fixed_dictionaries({name: st.integers(1, 40) for name in NAMES})
samples = st.lists(values, min_size=6, max_size=6)
SMALL = [dict(zip(NAMES, point, strict=True)) for point in product((1, 2, 3, 5, 8), repeat=3)]


def symbolic(tree: Tree) -> Size:
    """The tree as a size."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return symbol(tree)
    operation, left, right = tree
    try:
        return OPERATIONS[operation][0](symbolic(left), symbolic(right))
    except ZeroDivisionError:
        assume(False)
        raise


def number(tree: Tree, at: dict[str, int]) -> int:
    """The tree in plain integers."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return at[tree]
    operation, left, right = tree
    return OPERATIONS[operation][1](number(left, at), number(right, at))


def numbers_at(points: list[dict[str, int]], *several: Tree) -> list[tuple[dict[str, int], tuple[int, ...]]]:
    """Where all trees are defined, and what they are there."""
    found = []
    for at in points:
        try:
            found.append((at, tuple(number(tree, at) for tree in several)))
        except ZeroDivisionError:
            continue
    return found


@given(trees, samples)
@settings(max_examples=600, deadline=None)
def test_a_size_is_what_integers_give(tree: Tree, points: list[dict[str, int]]) -> None:
    size = symbolic(tree)
    text = str(size)
    low, high = bounds(size)
    for at, (expected,) in numbers_at(points + SMALL[::7], tree):
        assert substitute(size, at) == expected
        assert eval(text, {"min": min, "max": max, **at}) == expected
        assert low is None or low <= expected
        assert high is None or expected <= high


@given(trees, values)
@settings(max_examples=300, deadline=None)
def test_symbols_can_be_replaced_one_by_one(tree: Tree, at: dict[str, int]) -> None:
    size = symbolic(tree)
    for _, (expected,) in numbers_at([at], tree):
        for name in NAMES:
            size = substitute(size, {name: at[name]})
        assert size == expected


@given(trees, trees, values)
@settings(max_examples=300, deadline=None)
def test_a_symbol_can_become_another_size(tree: Tree, inner: Tree, at: dict[str, int]) -> None:
    low, _ = bounds(symbolic(inner))
    assume(low is not None and low >= 1)
    try:
        replaced = substitute(symbolic(tree), {"H": symbolic(inner)})
    except ZeroDivisionError:
        assert not numbers_at([{**at, "H": by} for _, (by,) in numbers_at([at], inner)], tree)
        return
    for _, (by,) in numbers_at([at], inner):
        for _, (expected,) in numbers_at([{**at, "H": by}], tree):
            assert substitute(replaced, at) == expected


@given(trees, trees, samples)
@settings(max_examples=600, deadline=None)
def test_what_is_proved_about_two_sizes_holds(one: Tree, other: Tree, points: list[dict[str, int]]) -> None:
    a, b = symbolic(one), symbolic(other)
    known = numbers_at(points + SMALL, one, other)
    holds_soundly(equal(a, b), [x == y for _, (x, y) in known])
    holds_soundly(at_least(a, b), [x >= y for _, (x, y) in known])
    if b != 0:
        holds_soundly(divisible(a, b), [x % y == 0 for _, (x, y) in known if y])
    if a == b:
        assert all(x == y for _, (x, y) in known)
        assert hash(a) == hash(b)
        assert str(a) == str(b)


def holds_soundly(answer: bool | None, seen: list[bool]) -> None:
    """What is proved is so at every sample."""
    if answer is not None:
        assert all(was is answer for was in seen)


linear = st.recursive(
    st.sampled_from(("H",)) | st.integers(-5, 5),
    lambda inner: (
        st.tuples(st.sampled_from(("+", "-")), inner, inner)
        | st.tuples(st.sampled_from(("//", "ceil", "%", "*")), inner, st.integers(2, 4))
    ),
    max_leaves=5,
)


@given(linear, linear)
@settings(max_examples=400, deadline=None)
def test_equality_of_sizes_of_one_symbol_is_complete(one: Tree, other: Tree) -> None:
    a, b = symbolic(one), symbolic(other)
    same = [x == y for _, (x, y) in numbers_at([{"H": h} for h in range(1, 600)], one, other)]
    if len(str(a - b)) < 60:  # beyond that, one case may take more than its share of the work
        assert (equal(a, b) is True) is all(same)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((H - 4) // 2, "H//2 - 2"),
        ((H + 1) // 2, "(H - 1)//2 + 1"),
        (ceil_div(H, 2), "(H - 1)//2 + 1"),
        ((2 * H + 3) // 2, "H + 1"),
        ((3 * H) // 2, "H + H//2"),
        ((2 * H) // 4, "H//2"),
        ((2 * H - 3) // 4, "H//2 - 1"),
        (2 * H * W + 3, "2*H*W + 3"),
        (minimum(T, 512), "min(T, 512)"),
        (minimum(512, T, 600), "min(T, 512)"),
        (maximum(T - 3, 0), "max(T - 3, 0)"),
        (minimum(T + 1, 513), "min(T, 512) + 1"),
        (T**2, "T**2"),
        (5 - T, "5 - T"),
        (-T, "-T"),
        (-(H // 2), "-(H//2)"),
        (2 * (H // 2), "2*(H//2)"),
        (-2 * H - 3, "-2*H - 3"),
        (((H - 1) // 2 + 1 - 1) // 2 + 1, "(H - 1)//4 + 1"),
        (16 * (H // 2 - 2) * (W // 2 - 2), "16*(H//2 - 2)*(W//2 - 2)"),
        (N * (T + 1), "N*(T + 1)"),
        (W * (5 - T), "W*(5 - T)"),
        (-(H + 1) * (T + 5), "-(H + 1)*(T + 5)"),
        (-2 * (H + 1) * (T - 5), "2*(H + 1)*(5 - T)"),
        ((N * T) // 2, "(N*T)//2"),
        (H // W, "H//W"),
        (576 // N, "576//N"),
        (H // (2 * W), "H//(2*W)"),
        (H // W // 2, "H//(2*W)"),
        (H // 2 // W, "H//(2*W)"),
        (H % 2, "H - 2*(H//2)"),
        (1 + H + W + H * W + H**2, "H**2 + H*W + H + W + 1"),
    ],
)
def test_a_size_reads_as_people_write_it(size: Size, text: str) -> None:
    assert str(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (16, "16"),
        (H, "H"),
        (H // 2 - 2, "(H//2 - 2)"),
        (H // 2, "(H//2)"),
        (2 * H, "(2*H)"),
        (minimum(T, 512), "min(T, 512)"),
        (T**2, "T**2"),
    ],
)
def test_a_size_in_a_shape_has_the_parentheses_it_needs(size: Size, text: str) -> None:
    assert shape_part(size) == text


@pytest.mark.parametrize(
    ("size", "value"),
    [
        (H - H, 0),
        (H * 0, 0),
        (H**0, 1),
        ((N * 576) // N, 576),
        ((N * 576) // (N * 64), 9),
        ((N * T * D) // (N * T), D),
        ((N * T + N) // N, T + 1),
        (((H + 1) * (W + 2)) // (W + 2), H + 1),
        ((H**2 - W**2) // (H + W), H - W),
        ((-N * T) // -N, T),
        ((4 * H) % 2, 0),
        (H // 1, H),
        (H // -2, (-H) // 2),
        (H // -W, (-H) // W),
        (0 // H, 0),
        (H // (H + 1), 0),
        (minimum(H, H + 1), H),
        (minimum(T, 0), 0),
        (maximum(T, 1), T),
        (minimum(H, H // 2), H // 2),
        (maximum(H - H // 2, 0), H - H // 2),
        (minimum(T + 2, W + 1), minimum(T + 1, W) + 1),
        (minimum(minimum(T, W) + 1, 5), minimum(T + 1, W + 1, 5)),
        (minimum(3, 4), 3),
        (minimum(H), H),
        (ceil_div(7, 2), 4),
    ],
)
def test_sizes_with_one_value_have_one_form(size: Size, value: Size) -> None:
    assert size == value
    assert type(size) is type(value)


def conv(size: Size, kernel: int, stride: int = 1, padding: int = 0) -> Size:
    """The length that a convolution or a pooling leaves."""
    return (size + 2 * padding - kernel) // stride + 1


def test_equality_sees_through_different_forms() -> None:
    assert H - H // 2 != (H + 1) // 2
    assert equal(H - H // 2, (H + 1) // 2) is True
    assert equal(H // 2 + (H + 1) // 2, H) is True
    assert equal(H // 2 // 2 // 2, H // 8) is True
    assert equal((H // 4 + 3) // 2, (H + 12) // 8) is True
    assert equal((H * (H + 1)) // 2 * 2, H * (H + 1)) is True
    assert equal((H // 2) * (W // 2) * 4, H * W) is None
    assert equal(H % 2 + W % 2, 3) is False
    assert equal(16 * H, 577) is False
    assert equal(16 * H * W, 576) is None
    assert equal(T**2, 50) is False
    assert equal(T**2, 49) is None
    assert equal(T * T - 3 * T, -3) is False
    assert equal(H, 0) is False
    assert equal(H + W, 1) is False
    assert equal(minimum(T, 512), 513) is False
    assert equal(H, W) is None


def test_a_resnet_halves_five_times() -> None:
    size = conv(H, 7, 2, 3)
    for _ in range(4):
        size = conv(size, 3, 2, 1)
    assert str(size) == "(H - 1)//32 + 1"
    assert equal(size, ceil_div(H, 32)) is True
    assert at_least(size, 1) is True
    shortcut = conv(H, 1, 2)
    assert equal(conv(H, 3, 2, 1), shortcut) is True


def test_a_unet_meets_its_skips_only_at_multiples() -> None:
    sizes: list[Size] = [H]
    for _ in range(4):
        sizes.append(sizes[-1] // 2)
    assert equal(2 * sizes[1], H) is None
    assert equal(16 * sizes[4], H) is None
    wide = {"H": 16 * symbol("k")}
    for deep, above in zip(sizes[1:], sizes, strict=False):
        assert equal(substitute(2 * deep, wide), substitute(above, wide)) is True
    padded = 2 * (H // 2) + (H - 2 * (H // 2)) // 2 + (H - 2 * (H // 2) - (H - 2 * (H // 2)) // 2)
    assert equal(padded, H) is True
    assert equal(2 * (H // 2) + H % 2, H) is True


def test_order_of_sizes() -> None:
    assert at_least(H, 1) is True
    assert at_least(H, 2) is None
    assert at_least(0, H) is False
    assert at_least(H, H // 2) is True
    assert at_least(H // 2, H) is False
    assert at_least(H * W, H) is True
    assert at_least(H * W + 1, H + W) is True
    assert at_least(T, minimum(T, 512)) is True
    assert at_least(maximum(T, W), minimum(T, W)) is True
    assert at_least(T * T - 3 * T, -2) is True
    assert at_least((H - 1) // 2, 0) is True
    assert bounds(H % 4) == (0, 3)
    assert bounds(5 - T) == (None, 4)
    assert bounds((512 - T) // 2) == (None, 255)
    assert bounds(minimum(T, 512) * W) == (1, None)
    assert bounds(maximum(T, 3) % 2) == (0, 1)
    assert bounds(7) == (7, 7)


def test_divisibility_of_sizes() -> None:
    assert divisible(768 * N, 12) is True
    assert divisible(2 * N + 1, 2) is False
    assert divisible(H, 2) is None
    assert divisible(H * (H + 1), 2) is True
    assert divisible(H**3 - H, 6) is True
    assert divisible(H - H % 4, 4) is True
    assert divisible(N * T, N) is True
    assert divisible(N * T + N, T + 1) is True
    assert divisible(H, H + 1) is False
    assert divisible(12, 5) is False
    with pytest.raises(ZeroDivisionError):
        divisible(H, 0)


def test_no_rule_decides_on_a_symbol_by_accident() -> None:
    questions: list[Callable[[], object]] = [
        lambda: bool(H),
        lambda: int(H),
        lambda: float(H),
        lambda: range(H),
        lambda: H < 5,
        lambda: H > 5,
        lambda: H >= W,
        lambda: min(H, 3),
    ]
    for question in questions:
        with pytest.raises(TypeError, match="symbolic"):
            question()
    assert H != 5
    assert symbol("H") == H
    assert len({H, symbol("H"), H + 0, H * 1}) == 1
    with pytest.raises(TypeError):
        _ = H + 1.5  # type: ignore[operator]
    with pytest.raises(ZeroDivisionError):
        _ = H // 0
    with pytest.raises(AttributeError):
        H.name = "W"
    for name in ("", "2x", "a b", "lambda", "min", "H//2"):
        with pytest.raises(ValueError, match="name of a size"):
            symbol(name)
    with pytest.raises(ValueError, match="at least 1"):
        substitute(H, {"H": 0})


def test_the_symbols_of_a_size() -> None:
    assert symbols_of(minimum((H + W) // 2, 5) * N // T) == {"H", "W", "N", "T"}
    assert symbols_of(5) == frozenset()


def test_a_size_survives_a_copy() -> None:
    size = minimum((H + W) // 2, 5) * N // T
    assert copy.deepcopy(size) == size == pickle.loads(pickle.dumps(size))
    assert substitute(pickle.loads(pickle.dumps(size)), {"H": 4, "W": 4, "N": 6, "T": 4}) == 6


def nested_minima() -> Size:
    size: Size = H
    for step in range(200):
        size = minimum(size * 2 + W, W * size + step) // 3 + size
    return size


def deep() -> Size:
    size: Size = H
    for _ in range(100):
        size = W // (size + T)
    return size


def doubling_text() -> Size:
    size: Size = H
    for _ in range(60):
        size = (size + T) // N + (size - T) // W
    return size


def wide() -> Size:
    size: Size = 1
    for index in range(40):
        size = size * (symbol(f"s{index}") + 1)
    return size


def squaring() -> Size:
    size: Size = H + W + N + T + D
    for _ in range(10):
        size = size * size
    return size


@pytest.mark.parametrize(
    "grow",
    [
        nested_minima,
        deep,
        doubling_text,
        wide,
        squaring,
        lambda: H**65,
        lambda: H ** (10**9),
        lambda: (H**40) * (H**40),
        lambda: H * 2**63,
        lambda: H * 2**62 + H * 2**62,
        lambda: (3 * H + 5) ** 64,
        lambda: minimum(*(symbol(f"s{index}") for index in range(500))),
        lambda: sum((symbol(f"s{index}") for index in range(600)), 0),
    ],
)
def test_a_size_that_grows_too_large_is_refused_at_once(grow: Callable[[], Size], calls_of: Any) -> None:
    def refused() -> None:
        with pytest.raises(TooLarge):
            grow()

    assert calls_of(refused) < 1_000_000


def test_comparison_has_bounded_work(calls_of: Any) -> None:
    many: Size = 0
    for index in range(40):
        many = many + (symbol(f"s{index}") + H) // (index + 2)
    tall = (H + 1) ** 60 // 7 + (W**50) // 11
    mixed = minimum(H, W // 2) * minimum(T // 3, D) * minimum(H // 5, N) * maximum(T, W) * minimum(H + 3, D)
    for size in (many, tall, mixed, many * H, mixed // 2 + many):

        def asked(size: Size = size) -> None:
            for question in (equal, at_least):
                question(size, 3 * H)
            divisible(size, 7)
            bounds(size)

        assert calls_of(asked) < 1_000_000


def test_sizes_import_neither_torch_nor_sympy() -> None:
    code = "import sys, nnshape.shapes.dims; print({'torch', 'sympy', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_int_stays_an_int() -> None:
    for size in (H - H + 3, (H * 4) // H, minimum(T, 1), substitute(H * W, {"H": 2, "W": 3})):
        assert type(size) is int
    assert isinstance(substitute(H * W, {"H": 2}), Dim)


def test_a_size_is_substituted_without_a_look_at_symbols_that_it_does_not_have():
    class Looked(dict):
        def __iter__(self):
            raise AssertionError

        items = keys = values = __iter__

    values = Looked(H=4, W=0)
    assert substitute(H * 2 + 1, values) == 9
    assert substitute(5, values) == 5
    with pytest.raises(ValueError, match="W is a size of at least 1, not 0"):
        substitute(H + W, values)
