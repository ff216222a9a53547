import pytest
import yaml

from nnshape.problems import SpecError
from nnshape.spec import Source, loads, yaml_tree
from nnshape.spec.scalars import value_of
from nnshape.spec.yaml_tree import Mapping, Scalar, Sequence, parse_document


def fault(text: str):
    with pytest.raises(SpecError) as caught:
        loads(text)
    return caught.value.problems[0]


def plain(node):
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.items}


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_a_tree_with_and_without_libyaml(monkeypatch, loader):
    monkeypatch.setattr(yaml_tree, "_Loader", getattr(yaml, loader))
    text = "a: {b: [1, 'x']}\nc:\n  - d\n  -\ne:\n"
    root, problems = parse_document(Source("s", text))
    assert plain(root) == {"a": {"b": ["1", "x"]}, "c": ["d", ""], "e": ""}
    assert problems == ()
    flow, block = root.items[0][1], root.items[1][1]
    assert isinstance(flow, Mapping)
    assert (flow.flow, flow.span.text) == (True, "{b: [1, 'x']}")
    assert isinstance(block, Sequence)
    assert (block.flow, block.span.text) == (False, "- d\n  -")


def test_a_block_ends_before_the_comments_behind_it():
    root, _ = parse_document(Source("s", "a:\n  b: c # d\n\n  # e\n# f\ng: h\n"))
    assert root.items[0][1].span.text == "b: c # d"


SCALARS = {
    "null": None, "~": None, "Null": None, "NULL": None, "nULL": "nULL",
    "true": True, "False": False, "TRUE": True, "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y",
    "010": 10, "0o17": 15, "0x1F": 31, "+3": 3, "-3": -3, "0b11": "0b11", "1_000": "1_000", "1:30": "1:30",
    "1e-5": 1e-5, "1.": 1.0, ".5": 0.5, "-2.5E+3": -2500.0, "e5": "e5", "1e": "1e", ".": ".", "+": "+",
    ".inf": float("inf"), "-.INF": float("-inf"), "2020-01-01": "2020-01-01", "0x": "0x", "١٢": "١٢",
    "9223372036854775807": 2**63 - 1, "-9223372036854775807": -(2**63) + 1, "000000000000000000000000000001": 1,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_plain_scalars_follow_yaml_1_2(text, value):
    root, _ = parse_document(Source("s", f"[{text}, '{text}']"))
    read = value_of(root.items[0])
    assert (read, type(read)) == (value, type(value))
    assert value_of(root.items[1]) == text


@pytest.mark.parametrize("text", ["9223372036854775808", "0xffffffffffffffff", "9" * 5000, "1e999", "-" + "9" * 30])
def test_numbers_have_a_limit(text):
    (problem,) = (p for p in loads(f"hparams: {{a: {text}}}\ninput: 3\nlayers: {{b: c}}").problems)
    assert (problem.kind, problem.span.text) == ("too-large", text)


def test_nan_is_a_number():
    root, _ = parse_document(Source("s", "[.nan]"))
    assert value_of(root.items[0]) != value_of(root.items[0])


H = "input: 3\nlayers:\n"


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(
    ("text", "message", "place", "pointed"),
    [
        ("a: &x b\n", "an anchor is not allowed", (1, 4), "&x"),
        ("a: *x\n", "an alias is not allowed", (1, 4), "*x"),
        ("a: &x [b]\n", "an anchor", (1, 4), "&x"),
        ("a: !!str b\n", "a tag", (1, 4), None),
        ("a: ! b\n", "a tag", (1, 4), None),
        ('a: !!python/object/apply:os.system ["x"]\n', "a Python tag", (1, 4), None),
        ("<<: {a: b}\n", "a merge key", (1, 1), "<<"),
        ("a: b\n---\nc: d\n", "a second document", (2, 1), "---"),
        ("%TAG ! tag:x,2000:\n---\na: b\n", "a %TAG directive", (1, 1), "%TAG"),
        ("? [a]\n: b\n", "a key is a single word", (1, 3), "[a]"),
        ("? {a: b}\n: b\n", "a key is a single word", (1, 3), "{a: b}"),
        (H + "\ta: b\n", "a tab indents", (3, 1), "\t"),
        ("a:\n  b: c\n\td: e\n", "a tab indents", (3, 1), "\t"),
        (H + "  conv1:Conv2d(1, 6, 5)\n  relu: ReLU()\n", "a space is missing after this colon", (3, 8), ":"),
        (H + "  relu: ReLU()\n  conv1:Conv2d(1, 6, 5)\n", "a space is missing after this colon", (4, 8), ":"),
        ("a:b\n", "a space is missing after this colon", (1, 2), ":"),
        (H + '  a: "abc\n  b: c\n', 'the quote " is never closed', (3, 6), '"'),
        (H + "  a: 'abc\n  b: c\n", "the quote ' is never closed", (3, 6), "'"),
        ('a: "\\q"\n', "\\q is not an escape", (1, 5), "\\q"),
        (H + "  a: b: c\n", "a second key is not allowed", (3, 7), ":"),
        (H + "  a: @x\n", "a value cannot begin with @", (3, 6), "@"),
        (H + "  a: `x`\n", "a value cannot begin with `", (3, 6), "`"),
        (H + "  a: b\n c: d\n", "indentation matches no line above", (4, 2), "c: d"),
        (H + "  a: [0].x()\n", "the value ends before this", (3, 9), ".x()"),
        (H + '  a: "x" y\n', "the value ends before this", (3, 10), "y"),
        (H + "  a: [x]]\n", "] closes nothing", (3, 9), "]"),
        (H + "  a: [1, 2\n", "a comma or ] is missing", None, None),
        ("expect:\n  macs: >= 1M\n", "> begins a block of text", (2, 9), ">"),
        ("expect: {macs: >= 1M}\n", "> begins a block of text", (1, 16), ">"),
        ("input: {a: int64[N, T]}\n", "a word ends before [", (1, 12), "int64["),
        (H + "  a: - b\n", "a list item (-) needs its own line", (3, 6), "-"),
        (H + "  a: b\n  c\n", "this line has no colon", (4, 3), "c"),
    ],
)
def test_what_is_not_yaml_here_is_said_in_plain_words(monkeypatch, loader, text, message, place, pointed):
    monkeypatch.setattr(yaml_tree, "_Loader", getattr(yaml, loader))
    problem = fault(text)
    assert problem.kind == "syntax"
    assert message in problem.message
    if place is not None:
        assert (problem.span.line, problem.span.column) == place
    if pointed is not None:
        assert problem.span.text == pointed


def test_a_duplicate_key_shows_both_places():
    (problem,) = loads(H + "  a: ReLU()\n  b: ReLU()\n  a: Tanh()\n").problems
    assert (problem.kind, problem.span.line, problem.related[0].span.line) == ("duplicate-key", 5, 3)
    assert problem.span.text == problem.related[0].span.text == "a"


@pytest.mark.parametrize(("text", "kind"), [("", "missing-key"), ("# only\n", "missing-key"), ("---\n", "missing-key")])
def test_an_empty_file_says_so(text, kind):
    assert fault(text).kind == kind


@pytest.mark.parametrize("text", ["- a\n- b\n", "5", "[a]"])
def test_a_file_that_is_no_mapping_says_what_was_wanted(text):
    problem = fault(text)
    assert problem.kind == "wrong-type"
    assert "a spec is a mapping" in problem.message


@pytest.mark.parametrize(
    ("line", "pointed"),
    [
        ("layers: {a: Conv2d(1, 6, 5), b: ReLU()}", "Conv2d(1"),
        ("layers: [Conv2d(1, 6, 5), ReLU()]", "Conv2d(1"),
        ("layers: {a: f(1, g(2, 3), 4), b: ReLU()}", "f(1"),
    ],
)
def test_a_call_that_braces_have_split_is_one_problem(line, pointed):
    spec = loads(f"input: 3\n{line}\n")
    (problem,) = spec.problems
    assert "the commas of a call end the entry" in problem.message
    assert problem.span.text == pointed
    assert [step.value is None for step in spec.body.steps] == [True, False]
