import ast
import warnings
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.problems import SpecError
from nnshape.spec import Expression, Source, Span, limits, parse_expression
from nnshape.spec.source_map import verbatim


def parse(text: str) -> Expression:
    source = Source("s", text)
    return parse_expression(text, verbatim(Span(source, 0, len(text))))


def fault(text: str):
    with pytest.raises(SpecError) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.span is not None
    return problem


def shown(node) -> object:
    """A node as nested tuples without its positions."""
    if isinstance(node, tuple):
        return [shown(item) for item in node]
    if not is_dataclass(node):
        return node
    values = [shown(getattr(node, f.name)) for f in fields(node) if f.name not in ("start", "end", "name_start")]
    return (type(node).__name__, *values)


X, Y, ONE = ("Name", "x"), ("Name", "y"), ("Constant", 1)
LANGUAGE = {
    "1": ONE, "1.5": ("Constant", 1.5), "'a'": ("Constant", "a"), "True": ("Constant", True),
    "None": ("Constant", None),
    "...": ("Constant", ...), "x": X, "(x)": X, "_": ("Name", "_"),
    "x()": ("Call", X, [], []),
    "x(1, y=1)": ("Call", X, [ONE], [("Keyword", "y", ONE)]),
    "x(*y, **y)": ("Call", X, [("Starred", Y)], [("Keyword", None, Y)]),
    "x.y": ("Attribute", X, "y"),
    "x[1]": ("Subscript", X, ONE),
    "x[1:, ::y, ...]": ("Subscript", X, ("Tuple", [
        ("Slice", ONE, None, None), ("Slice", None, None, Y), ("Constant", ...)])),
    "-x": ("Unary", "-", X), "+x": ("Unary", "+", X), "~x": ("Unary", "~", X), "not x": ("Unary", "not", X),
    "x < y <= 1": ("Compare", X, ["<", "<="], [Y, ONE]),
    "x is None": ("Compare", X, ["is"], [("Constant", None)]),
    "x is not y": ("Compare", X, ["is not"], [Y]),
    "x in y": ("Compare", X, ["in"], [Y]), "x not in y": ("Compare", X, ["not in"], [Y]),
    "x == y": ("Compare", X, ["=="], [Y]), "x != y": ("Compare", X, ["!="], [Y]),
    "x > y": ("Compare", X, [">"], [Y]), "x >= y": ("Compare", X, [">="], [Y]),
    "x and y and 1": ("Boolean", "and", [X, Y, ONE]), "x or y": ("Boolean", "or", [X, Y]),
    "x if y else 1": ("Conditional", Y, X, ONE),
    "(x, y)": ("Tuple", [X, Y]), "()": ("Tuple", []), "x, y": ("Tuple", [X, Y]),
    "[x, *y]": ("List", [X, ("Starred", Y)]),
    "x(y for y in x)": ("Call", X, [("Comprehension", Y, [("Generator", "y", X, [])], False)], []),
    "[x for x, y in y if x if y]": ("Comprehension", X, [("Generator", ["x", "y"], Y, [X, Y])], True),
    "[x for x in y for y in x]": ("Comprehension", X, [("Generator", "x", Y, []), ("Generator", "y", X, [])], True),
    "f'a{x}b{y}'": ("FString", [("Constant", "a"), X, ("Constant", "b"), Y]),
    "f'{x + 1}'": ("FString", [("Binary", "+", X, ONE)]),
}  # fmt: skip
LANGUAGE |= {
    f"x {operator} y": ("Binary", operator, X, Y)
    for operator in ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"]
}


@pytest.mark.parametrize(("text", "node"), LANGUAGE.items())
def test_the_language(text, node):
    assert shown(parse(text).node) == node


def walk(node):
    if isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            yield from walk(getattr(node, field.name))


@given(st.sampled_from(list(LANGUAGE)), st.sampled_from(["", "  ", "'é😀', "]))
def test_offsets_are_characters(text, before):
    expression = parse(before + text)
    for node in walk(expression.node):
        part = expression.text[node.start : node.end]
        if type(node).__name__ in ("Name", "Attribute") and "(" not in part:
            assert part == (node.id if hasattr(node, "id") else "x.y")
        if type(node).__name__ == "Attribute":
            assert expression.text[node.name_start : node.end] == node.name
        if type(node).__name__ in ("Call", "Subscript", "List", "Compare"):
            assert ast.dump(ast.parse(part, mode="eval"))


def test_the_parts_of_a_call_have_places():
    expression = parse("Conv2d(1, kernel_size=(5, 5))(x)")
    keyword = expression.node.function.keywords[0]
    assert expression.span(keyword).text == "kernel_size=(5, 5)"
    assert expression.span((keyword.start, keyword.start + len(keyword.name))).text == "kernel_size"
    assert expression.span(keyword.value).text == "(5, 5)"
    assert expression.where().text == "Conv2d(1, kernel_size=(5, 5))(x)"


def test_a_ligature_in_a_name_keeps_its_place():
    expression = parse("x.ﬁt + y")
    attribute = expression.node.left
    assert attribute.name == "fit"
    assert expression.text[attribute.name_start : attribute.end] == "ﬁt"


REFUSED = {
    "lambda: 0": "a lambda is not part", "{1: 2}": "a dict", "{}": "a dict",
    "{x: y for x in y}": "a dict", "{1}": "a set", "{x for x in y}": "a set", "b'x'": "a bytes literal",
    "1j": "a complex number",
    "await x": "await is not part", "(yield x)": "yield is not part", "(yield from x)": "yield is not part",
    "[x async for x in y]": "async for is not part", "[x for x.y in z]": "a loop's target is a name",
    "[x for x, *y in z]": "a loop's target is a name",
    "f'{x!r}'": "a format or conversion", "f'{x:>3}'": "a format or conversion",
    "x.__class__": "two underscores", "x._＿class__": "two underscores", "__import__('os')": "two underscores",
    "f(a=1, a=2)": "the argument a is given twice",
    "x(1) # why": "a comment is not allowed inside",
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_what_is_not_in_the_language_is_named(text, message):
    problem = fault(text)
    assert problem.kind == "syntax"
    assert message in problem.message


WORDED = [
    ("f(1, 2", "( is never closed", "("),
    ("[a, b", "[ is never closed", "["),
    ("f(1 2)", "a comma is missing here", "1 2"),
    ("f(1, 2))", ") closes no bracket", ")"),
    ("f(1]", "] closes a (", "]"),
    ("f('a)", "the string that ' opens is never closed", "'a)"),
    ("a = f(1)", "= is not allowed here", "="),
    ("f(if=3)", "if is a Python keyword", "if"),
    ("f(lambda=3)", "lambda is a Python keyword", "lambda"),
    ("f(None=3)", "None is a Python keyword", "None"),
    ("f(a.b=3)", "only a name can stand before =", None),
    ("1x32", "1x32 is not a number", "1x32"),
    ("f(010)", "a number does not begin with 0", "010"),
    ("f(a=1, 2)", "a positional argument follows a keyword argument", None),
    ("x y", "y cannot follow here", "y"),
    ("f(,)", "a value is wanted before ,", ","),
    ("f(1,,2)", "a value is wanted before ,", ","),
    ("import os", "import is a Python keyword", "import"),
    ("x.", "the expression ends too early", ""),
    ("relu(x) +  ", "the expression ends too early", ""),
    ("f(x for x in y, 2)", "a loop next to other arguments", "x for x in y"),
    ("f(“a”)", "“ (U+201C) is not allowed", "“"),
    ("f(a: 3)", ": is not allowed here", ":"),
    ("a if b", "an if without an else", "a if b"),
    ("f(-> 3)", "-> is not allowed here", "->"),
    ("é + $", "$ is not allowed here", "$"),
    ("", "an expression is expected here", ""),
]


@pytest.mark.parametrize(("text", "message", "pointed"), WORDED)
def test_a_slip_is_said_in_plain_words(text, message, pointed):
    problem = fault(text)
    assert problem.kind == "syntax"
    assert message in problem.message
    if pointed is not None:
        assert problem.span.text == pointed


def test_a_slip_behind_wide_characters_is_pointed_at():
    problem = fault("'😀é' + f(1 2)")
    assert (problem.span.column, problem.span.text) == (10, "1 2")


@pytest.mark.parametrize(
    "text",
    [
        "x" * (limits.EXPRESSION_CHARACTERS + 1),
        "(" * 1000 + ")" * 1000,
        "(" * 1000,
        "f(" * 65 + ")" * 65,
        "-" * 1999 + "1",
        "not " * 400 + "1",
        "+".join("x" * 900),
        "**".join("9" * 900),
        "x" + ".a" * 900,
        "x" + "[0]" * 600,
        "1 if x else " * 160 + "1",
        "9223372036854775808",
        "9" * 1999,
        "0x" + "f" * 1990,
        "1e999",
    ],
)
def test_limits(text):
    assert fault(text).kind == "too-large"


def test_a_tower_of_powers_is_only_read():
    assert shown(parse("9**9**9").node)[1] == "**"


def test_brackets_in_strings_do_not_nest():
    assert parse("'" + "(" * 100 + "' + '#'").node


def test_pythons_warnings_are_not_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse("'\\d'").node.value == "\\d"
        assert parse("1if x else 2").node


@given(st.text(alphabet="xy1.,:()[]{}'\"\\ \n+-*@=<>!#fé😀\t\x0c\u2028", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        node = parse(text).node
    except SpecError as error:
        for problem in error.problems:
            assert 0 <= problem.span.start <= problem.span.end <= len(text)
    else:
        assert all(0 <= part.start <= part.end <= len(text) for part in walk(node))
