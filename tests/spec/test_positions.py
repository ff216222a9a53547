"""Every part of an expression is found where it stands in the text, however YAML wraps it."""

import itertools
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.spec import Name, Source, Span, loads, nodes
from nnshape.spec.source_map import map_of_scalar
from nnshape.spec.yaml_tree import Scalar, parse_document

STYLES = ["plain", "lines", "single", "double", "escaped", "literal", "folded"]
TEMPLATES = [
    "Conv2d({0}, {1}, kernel_size=({2}, 3))",
    "relu({0} + {1}) if {2} > 1 else f'{{x}}'",
    "{0}[{1}, 1:2].transpose(1, {2})",
    "Sequential(('é😀', {0}({1})) for i in range({2}))",
    "cat([{0}, {1}], 'it''s') @ {2}",
]


def walk(node):
    if isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            yield from walk(getattr(node, field.name))


def wrapped(text: str, style: str, end: str, indent: str) -> str:
    """The YAML of an expression in one of the styles, behind `name:`."""
    broken = text.replace(", ", f",{end}{indent}", 1)
    if style == "plain":
        return text
    if style == "lines":
        return f"{end}{indent}" + broken.replace(" ", f" {end}{indent}", 1)
    if style == "single":
        return "'" + broken.replace("'", "''") + "'"
    if style == "double":
        return '"' + broken + '"'
    if style == "escaped":
        return '"\\x20\\u0020' + text.replace(", ", f",\\{end}{indent}\\ ", 1) + '\\t"'
    return {"literal": "|", "folded": ">-"}[style] + f" # why{end}{indent}" + broken + end


@given(
    st.lists(st.tuples(st.sampled_from(STYLES), st.sampled_from(TEMPLATES), st.booleans()), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_names_are_found_where_they_stand(steps, end, mark):
    counter = itertools.count()
    text = f"# 😀 é{end}input: 1x32x32{end}layers:{end}"
    written = []
    for index, (style, template, comment) in enumerate(steps):
        names = [f"v{next(counter)}q" for _ in range(3)]
        written.append(names)
        text += f"  s{index}: " + wrapped(template.format(*names), style, end, "      ") + end
        text += f"  # 😀{end}" if comment else ""
    spec = loads(("\ufeff" if mark else "") + text)
    assert spec.problems == ()
    assert [step.name for step in spec.body.steps] == [f"s{index}" for index in range(len(steps))]
    for step, names in zip(spec.body.steps, written, strict=True):
        found = {node.id: step.value.span(node) for node in walk(step.value.node) if isinstance(node, Name)}
        for name in names:
            assert (found[name].start, found[name].end) == (text.index(name), text.index(name) + len(name))
        assert step.name_span.text == step.name


@given(st.sampled_from(TEMPLATES), st.sampled_from(["plain", "single", "double", "literal"]))
def test_every_node_reads_in_the_source_as_in_its_text(template, style):
    expression = template.format("a", "b", "c")
    text = f"input: 3\nlayers:\n  s: {wrapped(expression, style, chr(10), '      ')}\n"
    value = loads(text).body.steps[0].value
    for node in walk(value.node):
        written = value.span(node).text
        written = written.replace("''", "'") if style == "single" else written
        assert "".join(written.split()) == "".join(value.text[node.start : node.end].split())


@given(st.text(alphabet="ab \n\t'\"\\#:é😀-", max_size=30), st.sampled_from(["'", '"', "|", ">"]))
def test_an_origin_covers_its_value(text, style):
    body = {
        "'": "'" + text.replace("'", "''") + "'",
        '"': '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
        "|": "|\n" + "".join(f"  {line}\n" for line in text.split("\n")),
        ">": ">\n" + "".join(f"  {line}\n" for line in text.split("\n")),
    }[style]
    source = Source("s", f"k: {body}\n")
    try:
        root, _ = parse_document(source)
    except Exception:
        return  # hypothesis found a text that is no YAML in this style
    scalar = root.items[0][1]
    assert isinstance(scalar, Scalar)
    at = 0
    for piece in scalar.origin.pieces:
        assert piece.start == at
        at = piece.end
        span = scalar.origin.span(piece.start, piece.end)
        assert scalar.span.start <= span.start <= span.end <= scalar.span.end
        if piece.end - piece.start == len(span.text) > 1:
            assert span.text == scalar.value[piece.start : piece.end]
    assert at == len(scalar.value)


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        (">\n  ab\n  cd\n\n  ef\n", "ab cd\nef\n"),
        (">2\n   ab\n  cd\n", " ab\ncd\n"),
        ("|2+\n   ab\n  cd\n\n", " ab\ncd\n\n"),
        (">\n\n  ab\n    more\n  cd\n", "\nab\n  more\ncd\n"),
        ('"a\\\n   b"', "ab"),
        ("'a\n\n\n  b'", "a\n\nb"),
    ],
)
def test_folds_map_to_the_character(yaml, value):
    text = f"k: {yaml}"
    root, _ = parse_document(Source("s", text))
    scalar = root.items[0][1]
    assert scalar.value == value
    for index, character in enumerate(value):
        if character.isalpha():
            assert scalar.origin.span(index, index + 1).text == character


def test_a_line_end_of_yaml_1_1_still_has_a_place():
    text = "'a\x85 b'"
    source = Source("s", text)
    origin = map_of_scalar("a b", "'", Span(source, 0, len(text)))
    assert origin.span(0, 1).text == text


def test_a_step_of_a_mapping_points_at_its_yaml():
    text = "input: 3\nlayers:\n  a: {type: Conv2d, in_channels: 1, kernel_size: [5, w], from: 'xy', shape: [N, 6]}\n"
    spec = loads(text)
    step = spec.body.steps[0]
    assert step.text == "Conv2d(in_channels=1, kernel_size=(5, w))(xy)"
    call = step.value.node
    assert isinstance(call, nodes.Call)
    layer = call.function
    assert step.value.span(layer.function).text == "Conv2d"
    assert [step.value.span(keyword.value).text for keyword in layer.keywords] == ["1", "5, w"]
    assert [step.value.span(item).text for item in layer.keywords[1].value.items] == ["5", "w"]
    assert step.value.span(call.args[0]).text == "xy"
    assert step.assertion.span_of(1).text == "6"
    assert step.assertion.span.text == "[N, 6]"
